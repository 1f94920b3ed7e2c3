import type { Settings } from "../settings";
import { type Lines, textOf } from "./text";

/** Zones of 10 MiB hold 160,000 addresses (64 bytes each) or 80,000 on 64-bit platforms for requests (128 bytes each): ngx_http_limit_*_module. */
export const limitZones = ({ limits }: Settings): string =>
  textOf([
    "# A client is one zone's key; strangers have no name, so addresses are counted too.",
    "limit_req_status 429;",
    "limit_conn_status 429;",
    zone("limit_req_zone $mtls_client zone=requests_per_client:1m", limits.requestsPerSecondPerClient),
    zone("limit_req_zone $binary_remote_addr zone=requests_per_address:10m", limits.requestsPerSecondPerAddress),
    limits.concurrentRequestsPerClient ? "limit_conn_zone $mtls_client zone=concurrent_per_client:1m;" : undefined,
    limits.concurrentRequestsPerAddress
      ? "limit_conn_zone $binary_remote_addr zone=concurrent_per_address:10m;"
      : undefined,
  ]);

const zone = (start: string, perSecond: number): string | undefined =>
  perSecond === 0 ? undefined : `${start} rate=${perSecond}r/s;`;

/** Bursts of two seconds' worth pass at once: an App Builder container starts many activations in the same moment. */
export const limitUses = ({ limits }: Settings): string => {
  const content: Lines = [
    use("requests_per_client", limits.requestsPerSecondPerClient),
    use("requests_per_address", limits.requestsPerSecondPerAddress),
    limits.concurrentRequestsPerClient
      ? `limit_conn concurrent_per_client ${limits.concurrentRequestsPerClient};`
      : undefined,
    limits.concurrentRequestsPerAddress
      ? `limit_conn concurrent_per_address ${limits.concurrentRequestsPerAddress};`
      : undefined,
    `client_max_body_size ${limits.bodyMegabytes}m;`,
  ];
  return textOf(content);
};

const use = (zoneName: string, perSecond: number): string | undefined =>
  perSecond === 0 ? undefined : `limit_req zone=${zoneName} burst=${perSecond * 2} nodelay;`;
