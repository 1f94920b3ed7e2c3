import { admitted } from "../ingress";
import type { Settings } from "../settings";
import { block, textOf } from "./text";

/** From here the machine itself asks whether its proxy serves; nobody can send from it to another machine. */
const THIS_MACHINE = "127.0.0.1/32";

/**
 * Who may come in, by address. nginx knows a caller's address before its certificate, but answers in HTTP alone, after
 * the handshake: `ssl_reject_handshake` takes no variable.
 */
export const addresses = ({ ingress }: Settings): string => {
  const listed = admitted(ingress);
  if (!listed) return textOf(["# Calls from every address are let in.", block("geo $address_listed", "default yes;")]);
  return textOf([
    "# Calls from other addresses are refused. A region's addresses are those of all its applications, not of ours alone.",
    block(
      "geo $address_listed",
      "default no;",
      "# The machine itself asks whether its proxy serves.",
      [...new Set([THIS_MACHINE, ...listed.map(({ cidr }) => cidr)])].map((cidr) => `${cidr} yes;`),
    ),
  ]);
};
