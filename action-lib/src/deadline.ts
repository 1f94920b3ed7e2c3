/** Milliseconds. A web action is ended after 60 s: https://developer.adobe.com/app-builder/docs/guides/runtime_guides/system-settings */
const DEFAULT_TIMEOUT_MS = 55_000;
/** Milliseconds left to the action for answering that it got no answer. */
const MARGIN_MS = 1_000;

/**
 * When Runtime ends this activation, in milliseconds since 1970.
 * Read it before the first `await`: the next activation in this container writes its own.
 */
export function activationDeadline(): number | undefined {
  const deadline = Number(process.env.__OW_DEADLINE);
  return deadline > 0 ? deadline : undefined;
}

/**
 * How long a call may take, in milliseconds: what was asked for, but never past the activation's end.
 * A deadline that has passed belongs to an earlier activation, whose fetch was kept, and says nothing.
 */
export function callLimit(asked: number = DEFAULT_TIMEOUT_MS, deadline: number | undefined, now = Date.now()): number {
  if (deadline === undefined || deadline <= now) return asked;
  const left = deadline - now;
  return Math.min(asked, left - Math.min(MARGIN_MS, left / 10));
}
