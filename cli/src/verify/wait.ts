import { setTimeout as pause } from "node:timers/promises";
import type { Terminal } from "../terminal";
import { insiderOf, serverCertificate } from "./certificates";
import { type Reach, reachOf } from "./reach";
import { askStatus, readStatus } from "./service";
import type { Subject } from "./subject";

const PAUSE_MS = 2_000;
const SAY_EVERY_MS = 5_000;

/**
 * Waits for a machine that boots or a bundle that is on its way: until the client is served with the bundle that the
 * stack wants. Ends early where waiting cannot help, and at the limit; what is wrong then, the checks say.
 */
export async function waitForProxy(subject: Subject, seconds: number, terminal: Terminal): Promise<void> {
  const started = Date.now();
  let said = 0;
  for (;;) {
    const missing = await missingOn(subject);
    const waited = Date.now() - started;
    if (missing === undefined || waited > seconds * 1000) return;
    if (Date.now() - said > SAY_EVERY_MS) {
      said = Date.now();
      terminal.progress(`waiting, ${Math.round(waited / 1000)} of ${seconds} s: ${missing}`);
    }
    await pause(PAUSE_MS);
  }
}

/** What there is to wait for, in words. */
async function missingOn(subject: Subject): Promise<string | undefined> {
  const reach = await reachOf(subject);
  if (!reach.handshake) return `${subject.endpoint} does not answer yet (${endOf(reach)})`;
  const insider = insiderOf(subject, serverCertificate(subject, reach.handshake));
  if (!insider) return undefined;
  const status = readStatus(await askStatus(insider));
  if (!status) return "the proxy does not serve the client yet";
  const { bundleVersion } = subject;
  if (!bundleVersion) return undefined;
  if (status.bundleVersion !== bundleVersion)
    return `it serves ${status.bundleVersion}, ${bundleVersion} is on its way`;
  return status.checkedAt ? undefined : "sync has not reported yet";
}

const endOf = ({ ended }: Reach): string => (ended ? `${ended.at}, ${ended.error}` : "unknown");
