import { MtlsError } from "app-builder-mtls";

export interface Result {
  statusCode: number;
  body: unknown;
}

/** A backend answered what this action cannot use. */
export class BackendError extends Error {}

/** The log, which is ours, learns what happened; a caller, only that it failed. */
export function failure(error: unknown): Result {
  if (error instanceof MtlsError) console.error(error.code, error.message);
  else console.error(error instanceof Error ? `${error.name}: ${error.message}` : "unknown error");
  return { statusCode: 502, body: { error: "the product cannot be read now" } };
}
