import { STATUS_PATH } from "@app-builder-mtls/proxy";
import { z } from "zod";
import { WARN_DAYS } from "./certificates";
import { type Answer, askAsClient, isAnswer, type NoAnswer, proxyCodeOf } from "./exchange";
import type { Fault } from "./faults";
import { type Check, type Finding, failed, passed, skipped, warned } from "./findings";
import { type Insider, REQUEST_PATH, type Subject } from "./subject";

const SERVES: Check = { check: "serves-client", what: "serves the client" };
const VERSION: Check = { check: "bundle-version", what: "serves the bundle that is wanted" };
const SYNC: Check = { check: "sync", what: "the machine follows the stack" };
const CERTIFICATES: Check = { check: "proxy-certificates", what: "no certificate of the bundle is about to end" };
export const SERVICE = [SERVES, VERSION, SYNC, CERTIFICATES];

/** Its health is `unknown` until sync has looked; then what failed when sync connected as nginx would. */
const knownDestination = z.object({
  name: z.string(),
  path: z.string().regex(REQUEST_PATH).optional(),
  health: z.enum(["ok", "name", "refused", "certificate", "timeout", "unknown"]).catch("unknown").default("unknown"),
});

/** What the status location says. A proxy without sync, on a desk, says the first and the last alone. */
const statusDocument = z.object({
  bundleVersion: z.string(),
  wantedVersion: z.string().nullish(),
  problem: z.object({ code: z.string(), message: z.string(), since: z.string() }).nullish(),
  checkedAt: z.string().optional(),
  certificates: z.array(z.object({ name: z.string(), daysLeft: z.number() })).default([]),
  destinations: z.array(z.union([knownDestination, z.string().transform((name) => knownDestination.parse({ name }))])),
});

type StatusDocument = z.output<typeof statusDocument>;
export type KnownDestination = z.output<typeof knownDestination>;

export const askStatus = (insider: Insider): Promise<Answer | NoAnswer> => askAsClient(insider, { path: STATUS_PATH });

export function readStatus(reply: Answer | NoAnswer): StatusDocument | undefined {
  if (!isAnswer(reply) || reply.status !== 200) return undefined;
  try {
    return statusDocument.safeParse(JSON.parse(reply.body)).data;
  } catch {
    return undefined;
  }
}

export function service(subject: Subject, reply: Answer | NoAnswer): Finding[] {
  const status = readStatus(reply);
  if (!status || !isAnswer(reply)) {
    const why = "the proxy does not serve the client";
    return [notServed(reply), ...[VERSION, SYNC, CERTIFICATES].map((check) => skipped(check, why))];
  }
  return [
    passed(SERVES, `${reply.status} in ${reply.legs.firstByte} ms`, reply.legs),
    version(subject, status),
    sync(subject, status, reply),
    certificates(status),
  ];
}

const REFUSED: Record<string, Fault> = {
  address_not_listed: "address_refused",
  client_certificate_required: "certificate_lost",
  client_certificate_expired: "credentials_expired",
  client_certificate_rejected: "client_refused",
  client_not_listed: "client_refused",
};

function notServed(reply: Answer | NoAnswer): Finding {
  if (!isAnswer(reply)) {
    const isRefusal = /ALERT/.test(reply.error) || /alert (bad|unknown|cert|access)/i.test(reply.message);
    return failed(SERVES, isRefusal ? "client_refused" : "no_answer", `no answer (${reply.error})`);
  }
  const code = proxyCodeOf(reply);
  const detail = `it is answered with ${reply.status}${code ? ` ${code}` : ` and ${reply.body.length} bytes that are not the proxy's`}`;
  return failed(SERVES, code ? (REFUSED[code] ?? "no_answer") : "not_the_proxy", detail);
}

function version(
  { bundleVersion: ofStack }: Subject,
  { bundleVersion: served, wantedVersion }: StatusDocument,
): Finding {
  const wanted = ofStack ?? wantedVersion;
  if (!wanted) return skipped(VERSION, `it serves ${served}; with --stack it is compared`);
  if (wanted === served) return passed(VERSION, served);
  return failed(VERSION, "old_bundle", `it serves ${served}, and ${ofStack ? "the stack" : "sync"} wants ${wanted}`);
}

/** Seconds. sync runs a minute after its last run, which may take most of a minute itself; thrice missed is no chance. */
const SYNC_SECONDS = 300;

function sync(
  { bundleVersion }: Subject,
  { problem, checkedAt }: StatusDocument,
  { headers, askedAt }: Answer,
): Finding {
  if (problem) return failed(SYNC, "sync_problem", `${problem.code} since ${problem.since}: ${problem.message}`);
  if (!checkedAt) {
    if (bundleVersion) return failed(SYNC, "sync_missing", "sync has not reported");
    return skipped(SYNC, "nothing is followed here, as with mtls-proxy local");
  }
  // by the proxy's own clock: that this machine's is off is another check's matter
  const now = Date.parse(headers.date ?? "") || askedAt;
  const seconds = Math.max(0, Math.round((now - Date.parse(checkedAt)) / 1000));
  const measured = { seconds };
  if (!(seconds <= SYNC_SECONDS)) return failed(SYNC, "sync_silent", `it last looked at ${checkedAt}`, measured);
  return passed(SYNC, `it looked ${seconds} s ago, and nothing is amiss`, measured);
}

function certificates({ certificates: all }: StatusDocument): Finding {
  const [first] = all.toSorted((one, other) => one.daysLeft - other.daysLeft);
  if (!first) return skipped(CERTIFICATES, "the proxy does not say");
  const soon = all.filter(({ daysLeft }) => daysLeft < WARN_DAYS);
  const listed = soon.map(({ name, daysLeft }) => `${name} ${daysLeft < 0 ? "ended" : `${daysLeft} days`}`).join(", ");
  const measured = Object.fromEntries(all.map(({ name, daysLeft }) => [name, daysLeft]));
  if (first.daysLeft < 0) return failed(CERTIFICATES, "proxy_certificate_expired", listed, measured);
  if (soon.length > 0) {
    const next =
      "Type: pulumi up, which renews the stack's own; a destination's CA or client certificate is yours to replace in destinations.";
    return warned(CERTIFICATES, listed, next, measured);
  }
  return passed(CERTIFICATES, `${first.name} is the first, in ${first.daysLeft} days`, measured);
}
