import assert from "node:assert/strict";
import type { Bundle } from "@app-builder-mtls/proxy";
import { fetchBundle } from "./emulatedAws";
import type { Stack } from "./stack";

/** The bundle that a stack published, as its machine reads it. */
export async function publishedBundle(stack: Stack): Promise<Bundle> {
  const secret = (await stack.resources()).find(({ type }) => type === "aws:secretsmanager/secret:Secret");
  return fetchBundle(secret?.id ?? assert.fail("the stack has no secret"));
}
