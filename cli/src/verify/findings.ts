import { FAULTS, type Fault } from "./faults";

/** What a check found out. `warned`: it holds today and will not for long; `skipped`: it could not be asked. */
export type Outcome = "passed" | "failed" | "warned" | "skipped";

/** One line of the table, one member of `checks` in the JSON. */
export interface Finding {
  /** Never changes, so that scripts can rely on it. */
  check: string;
  /** What is promised, in words. */
  what: string;
  outcome: Outcome;
  /** What was seen. Never a secret. */
  detail: string;
  /** Why it failed; a name of {@link FAULTS}. */
  fault?: Fault;
  /** What to do now; on every failed and every warned line. */
  next?: string;
  /** Numbers behind the detail: milliseconds and days. */
  measured?: Record<string, number>;
  /** What the detail counts, one by one. */
  seen?: Record<string, string[]>;
}

/** A check's name and its promise. */
export type Check = Pick<Finding, "check" | "what">;

type Measured = Finding["measured"];

export const passed = (check: Check, detail: string, measured?: Measured): Finding => ({
  ...check,
  outcome: "passed",
  detail,
  ...(measured && { measured }),
});

export const failed = (check: Check, fault: Fault, detail: string, measured?: Measured): Finding => ({
  ...check,
  outcome: "failed",
  detail,
  fault,
  next: FAULTS[fault],
  ...(measured && { measured }),
});

export const warned = (check: Check, detail: string, next: string, measured?: Measured): Finding => ({
  ...check,
  outcome: "warned",
  detail,
  next,
  ...(measured && { measured }),
});

export const skipped = (check: Check, why: string): Finding => ({ ...check, outcome: "skipped", detail: why });
