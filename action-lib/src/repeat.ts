import type { Trip } from "./trip";

/** RFC 9110 9.2.2, but for CONNECT and TRACE, which fetch refuses. */
const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);

export interface Repeatable {
  method?: string | undefined;
  body?: unknown;
  /** The caller's word that the backend may get this request twice. */
  repeatable?: boolean | undefined;
}

/**
 * Whether a call that failed may be sent once more: its connection was lost before an answer, the backend may get it twice or
 * cannot have got it, and its body can be read twice. A machine of a fleet that dies takes new connections with it as well as kept ones.
 */
export const mayRepeatFailed = (call: Repeatable, trip: Trip): boolean =>
  trip.lostConnection && (trip.isUnsent || isIdempotent(call)) && hasBodyAgain(call);

/** Whether a call that the proxy could not forward may be sent once more: for every method, because nothing was sent. */
export const mayRepeatUnsent = (call: Repeatable, reason: string | undefined): boolean =>
  reason === "destination_unreachable" && hasBodyAgain(call);

const isIdempotent = ({ method = "GET", repeatable }: Repeatable): boolean =>
  repeatable ?? IDEMPOTENT.has(method.toUpperCase());

/** Everything but a stream. By tags, not classes: in jest they are of another realm, and node-fetch has its own Blob and FormData. */
function hasBodyAgain({ body }: Repeatable): boolean {
  if (body === undefined || body === null || typeof body === "string" || ArrayBuffer.isView(body)) return true;
  return ["ArrayBuffer", "URLSearchParams", "Blob", "File", "FormData"].includes(
    Object.prototype.toString.call(body).slice(8, -1),
  );
}
