export { type Bundle, type Files, makeBundle, packBundle } from "./bundle";
export {
  type CertificateProfile,
  caProfile,
  clientProfile,
  probeProfile,
  serverProfile,
  type Usage,
} from "./certificates";
export { BundleTooLargeError, type Problem, SettingsError } from "./errors";
export { nginxFiles, PROXY_ERROR_STATUSES, STATUS_PATH, type Target } from "./nginx";
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
