export { type Bundle, type Files, makeBundle, packBundle } from "./bundle";
export {
  type CertificateProfile,
  caProfile,
  clientProfile,
  probeProfile,
  serverProfile,
  trustedGenerations,
  type Usage,
} from "./certificates";
export { BundleTooLargeError, type Problem, SettingsError } from "./errors";
export { flag, only, text, whole } from "./fields";
export {
  admitted,
  type Ingress,
  type IpList,
  ingress as ingressSchema,
  isIPv6Range,
  unknownRegion,
} from "./ingress";
export { cloudConfig, type MachineFacts } from "./machine";
export { MACHINE_METRICS } from "./machine/metrics";
export { type Telemetry, telemetryFiles } from "./machine/telemetry";
export {
  atLeast,
  HEALTH_PATH,
  HEALTH_PORT,
  nginxFiles,
  type Outcome,
  PROXY_ERROR_STATUSES,
  STATUS_PATH,
  type Target,
} from "./nginx";
export {
  type Client,
  checkTogether,
  type Destination,
  type KeyAlgorithm,
  OLDEST_NGINX,
  PROBE_CLIENT,
  parseSettings,
  parseWith,
  type Settings,
  settingsFields,
} from "./settings";
