import { type Ingress, ingressSchema, only, parseWith, SettingsError } from "@app-builder-mtls/proxy";
import { configValue, type StackSource, setConfigValue } from "../pulumi";

const KEY = "ingress";

/** What stands in a stack's configuration under `ingress`. */
export interface Configured {
  /** As far as it can be in service: a list that `pulumi up` would refuse is none. */
  ingress: Ingress;
  /**
   * The same with some of it changed.
   * @throws SettingsError when `pulumi up` would refuse it
   */
  with(changes: Ingress): Ingress;
}

/** @throws SettingsError when it can neither be read nor written here */
export async function readConfigured(source: StackSource): Promise<Configured> {
  const { value = {}, isSecret } = await configValue(KEY, source);
  if (isSecret) throw encrypted();
  return {
    ingress: ingressSchema.safeParse(value).data ?? {},
    with: (changes) => parsed(isRecord(value) ? { ...value, ...changes } : value),
  };
}

export const writeConfigured = (ingress: Ingress, source: StackSource): Promise<void> =>
  setConfigValue(KEY, ingress, source);

const parsed = (value: unknown): Ingress => parseWith(only({ [KEY]: ingressSchema }), { [KEY]: value })[KEY];

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Writing it would show in clear what somebody hid. */
const encrypted = () =>
  new SettingsError([
    {
      place: KEY,
      given: "an encrypted value",
      allowed: "must be plain, since addresses are no secret; type: pulumi config rm ingress, and set it anew",
    },
  ]);
