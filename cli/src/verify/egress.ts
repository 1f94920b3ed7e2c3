import { BlockList, isIP, isIPv6 } from "node:net";
import { type Answer, askAsClient, isAnswer, type NoAnswer, proxyCodeOf } from "./exchange";
import { type Check, type Finding, failed, passed } from "./findings";
import type { Insider, Subject } from "./subject";

export const EGRESS: Check = { check: "egress", what: "a destination sees the address that firewalls accept" };

export const askEcho = (insider: Insider, path: string): Promise<Answer | NoAnswer> => askAsClient(insider, { path });

export function egress({ egressIps }: Subject, reply: Answer | NoAnswer): Finding {
  if (!isAnswer(reply)) return failed(EGRESS, "egress_unknown", `no answer (${reply.error})`);
  const code = proxyCodeOf(reply);
  if (code || reply.status !== 200) return failed(EGRESS, "egress_unknown", `${reply.status}${code ? ` ${code}` : ""}`);
  const seen = firstAddress(reply.body);
  if (!seen) return failed(EGRESS, "egress_unknown", "the answer holds no address");
  const detail = `it sees ${seen}`;
  if (egressIps.some((expected) => isSame(expected, seen))) return passed(EGRESS, detail);
  return failed(EGRESS, "egress_mismatch", `${detail}, and not ${egressIps.join(" or ")}`);
}

/** The first IP address in a text, whether it is all of it, or a member of some JSON. */
const firstAddress = (text: string): string | undefined =>
  text
    .split(/[^0-9A-Fa-f:.]+/)
    .map((word) => word.replace(/^::ffff:(?=\d+\.)/i, ""))
    .find((word) => isIP(word));

/** Also two spellings of one IPv6 address. */
function isSame(one: string, other: string): boolean {
  const list = new BlockList();
  const family = (address: string) => (isIPv6(address) ? "ipv6" : "ipv4");
  list.addAddress(one, family(one));
  return isIPv6(one) === isIPv6(other) && list.check(other, family(other));
}
