import {
  atLeast,
  checkTogether,
  flag,
  only,
  parseWith,
  SettingsError,
  settingsFields,
  text,
  whole,
} from "@app-builder-mtls/proxy";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { type Configuration, readConfiguration } from "./configuration";
import { checkTopology, topologyFields } from "./topologySettings";

/** The first release that follows a destination's changing addresses by itself. */
const OLDEST_NGINX_IN_CLOUD = "1.27.3";

const GRAVITON = /^[a-z]{1,3}\d{1,2}g[a-z]{0,3}\.[a-z0-9-]+$/;

const machine = only({
  instanceType: text(
    "must be a Graviton (arm64) type such as t4g.micro, and no nano: its memory is too small for dnf",
    (value) => GRAVITON.test(value) && !value.endsWith(".nano"),
  ).default("t4g.micro"),
  generation: whole(1, 1_000_000, "").default(1),
  terminationProtection: flag().default(false),
});

/** AWS's own limit is 50 a resource; the stack adds its own three. */
const MOST_TAGS = 40;
const TAGS_ALLOWED = `must be up to ${MOST_TAGS} names with a text each; names do not begin with aws:`;
const tags = z.record(z.string(), z.string(TAGS_ALLOWED), TAGS_ALLOWED).refine((given) => {
  const entries = Object.entries(given);
  return entries.length <= MOST_TAGS && entries.every(([key, value]) => isTagName(key) && value.length <= 256);
}, TAGS_ALLOWED);
const isTagName = (name: string) => /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u.test(name) && !/^aws:/i.test(name);

/** The periods that CloudWatch Logs keeps a log for (PutRetentionPolicy), but for "forever". */
const RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];
const RETENTION_ALLOWED = `must be a number of days that CloudWatch keeps logs for: ${RETENTION_DAYS.join(", ")}`;

const monitoring = only({
  enabled: flag().default(true),
  email: text(
    "must be one e-mail address, such as operations@example.com",
    (value) => /^[^\s@,;<>"]+@[^\s@,;<>"]+\.[^\s@,;<>"]+$/.test(value) && value.length <= 254,
  ).optional(),
  logRetentionDays: z
    .number(RETENTION_ALLOWED)
    .refine((value) => RETENTION_DAYS.includes(value), RETENTION_ALLOWED)
    .default(30),
  errorPercent: whole(1, 100, "% of the requests").default(5),
  refusalsPerFiveMinutes: whole(1, 1_000_000, "").default(20),
});

const LOCAL_ONLY = "must be left out: only `mtls-proxy local` may reach loopback and private addresses";

const schema = only({
  ...settingsFields,
  // No z.literal: one that is not met keeps zod from the checks between settings, and not all problems are told.
  allowLocalDestinations: z
    .boolean(LOCAL_ONLY)
    .refine((allowed) => !allowed, LOCAL_ONLY)
    .default(false),
  ...topologyFields,
  machine: machine.prefault({}),
  monitoring: monitoring.prefault({}),
  tags: tags.default({}),
})
  .superRefine(checkTogether)
  .superRefine(checkTopology)
  .superRefine(({ nginx, network, hostname, logFormat, monitoring }, context) => {
    const complain = (path: string[], message: string, input: unknown) =>
      context.addIssue({ code: "custom", path, message, input });
    if (!atLeast({ nginxVersion: nginx.version }, OLDEST_NGINX_IN_CLOUD)) {
      complain(
        ["nginx", "version"],
        `must be ${OLDEST_NGINX_IN_CLOUD} at least: older ones lose a destination whose address changes`,
        nginx.version,
      );
    }
    if (network.hostedZoneId && !hostname) {
      complain(["hostname"], "must be given together with network.hostedZoneId: it is the record's name", hostname);
    }
    if (monitoring.enabled && logFormat === "text") {
      complain(
        ["logFormat"],
        "must be json, whose fields the metrics are counted from, unless monitoring.enabled is false",
        logFormat,
      );
    }
  });

/** What a stack may set: everything about the proxy, and everything about AWS around it. */
export type Settings = z.output<typeof schema>;

/**
 * The settings of a stack, complete with defaults.
 * @throws SettingsError with every problem at once
 */
export function stackSettings({ values, encrypted }: Configuration): Settings {
  const settings = parseWith(schema, values);
  const exposed = settings.destinations.flatMap(({ clientKey }, index) =>
    clientKey ? [`destinations[${index}].clientKey`] : [],
  );
  if (exposed.length === 0 || encrypted.has("destinations")) return settings;
  throw new SettingsError(
    exposed.map((place) => ({
      place,
      given: "(not shown)",
      allowed: `must be encrypted, it is readable in the stack's file: pulumi config set --secret --path '${place}'`,
    })),
  );
}

/**
 * The settings of the stack that runs.
 * @throws RunError with the text of the SettingsError, which Pulumi prints without a stack trace
 */
export function readSettings(): Settings {
  try {
    return stackSettings(readConfiguration());
  } catch (error) {
    if (error instanceof SettingsError) throw Object.assign(new pulumi.RunError(error.message), { cause: error });
    throw error;
  }
}
