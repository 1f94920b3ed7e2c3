import { type Answer, askAsClient, isAnswer, type NoAnswer, proxyCodeOf } from "./exchange";
import type { Fault } from "./faults";
import { type Check, type Finding, failed, passed, skipped, warned } from "./findings";
import type { KnownDestination } from "./service";
import type { Insider } from "./subject";

/** Milliseconds; above the proxy's own limit for an answer, so that the proxy's word comes first. */
const LIMIT_MS = 70_000;

export const DESTINATIONS: Check = { check: "destinations", what: "each destination answers" };

/**
 * Asks for as little as it can: the head of its prefix.
 * @param slowMs from when on an answer is too late
 */
export async function destinationOf(insider: Insider, known: KnownDestination, slowMs: number): Promise<Finding> {
  const { name, path } = known;
  const check = { check: `destination:${name}`, what: `${name} answers${path ? ` (${path})` : ""}` };
  if (!path) return skipped(check, "the proxy does not say its path");
  const reply = await askAsClient(insider, { path, method: "HEAD", limitMs: LIMIT_MS });
  return judged(check, insider, known, reply, slowMs);
}

/** What sync found is the cause that nginx itself cannot tell. */
const UNREACHABLE: Record<KnownDestination["health"], Fault> = {
  name: "destination_name",
  refused: "destination_refused",
  certificate: "destination_certificate",
  timeout: "destination_silent",
  ok: "destination_unreachable",
  unknown: "destination_unreachable",
};

const FAILED: Record<string, Fault> = {
  destination_failed: "destination_failed",
  destination_timeout: "destination_timeout",
};

function judged(
  check: Check,
  { egressIps }: Insider,
  { health }: KnownDestination,
  reply: Answer | NoAnswer,
  slowMs: number,
): Finding {
  const seen = health === "unknown" ? "" : `; sync saw: ${health}`;
  if (!isAnswer(reply)) return failed(check, "destination_unanswered", `no answer (${reply.error})${seen}`);
  const { legs, status } = reply;
  const code = proxyCodeOf(reply);
  if (code) {
    const fault = code === "destination_unreachable" ? UNREACHABLE[health] : (FAILED[code] ?? "destination_unanswered");
    const from =
      fault === "destination_silent" && egressIps.length > 0 ? `; the proxy comes from ${egressIps.join(", ")}` : "";
    return failed(check, fault, `${status} ${code}${seen}${from}`, legs);
  }
  const detail = `${status}; connect ${legs.connect} ms, TLS ${legs.tls} ms, first byte ${legs.firstByte} ms`;
  if (legs.firstByte > slowMs) {
    return failed(check, "destination_slow", `${detail}; more than ${slowMs / 1000} s`, legs);
  }
  if (health !== "ok" && health !== "unknown") {
    return warned(
      check,
      `${detail}${seen}`,
      "Verify again in five minutes: sync looks at destinations every four.",
      legs,
    );
  }
  return passed(check, detail, legs);
}
