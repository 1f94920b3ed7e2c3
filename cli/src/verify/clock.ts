import { type Answer, isAnswer, type NoAnswer } from "./exchange";
import { type Check, type Finding, failed, passed, skipped } from "./findings";

export const CLOCK: Check = { check: "clock", what: "this machine and the proxy agree on the time" };

/**
 * Seconds. Our choice: Amazon's time service keeps its machines within milliseconds, so a minute is a clock that
 * nobody sets; it is well before the 5 minutes from which on AWS refuses signed requests (Signature Version 4),
 * sync's among them, and the library a certificate that is not valid yet.
 */
const MOST_SECONDS = 60;
/** `Date` has whole seconds. */
const HALF_A_SECOND_MS = 500;

export function clock(reply: Answer | NoAnswer): Finding {
  const theirs = isAnswer(reply) ? Date.parse(reply.headers.date ?? "") : Number.NaN;
  if (!isAnswer(reply) || Number.isNaN(theirs)) return skipped(CLOCK, "the answer has no Date");
  const seconds = Math.round((theirs + HALF_A_SECOND_MS - reply.askedAt) / 1000);
  const measured = { seconds };
  if (Math.abs(seconds) <= MOST_SECONDS) return passed(CLOCK, `within ${Math.max(1, Math.abs(seconds))} s`, measured);
  const [how, by] = seconds > 0 ? ["ahead of", seconds] : ["behind", -seconds];
  return failed(CLOCK, "clock_off", `the proxy is ${by} s ${how} this machine`, measured);
}
