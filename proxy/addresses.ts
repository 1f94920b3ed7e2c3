import ipaddr from "ipaddr.js";

/** Why an address may not be a destination of a proxy in the cloud. */
export type AddressClass = "public" | "private" | "metadata";

/** Amazon's instance metadata service and its relatives for containers, which would hand the machine's role to a caller. */
const METADATA = new Set(["169.254.169.254", "fd00:ec2::254", "169.254.170.2", "169.254.170.23", "fd00:ec2::23"]);

/**
 * Classifies a host as it stands in a URL (an IPv6 address in brackets).
 * `private` is everything that is not reachable over the internet: loopback, link-local, RFC 1918, CGNAT, and names that only this machine resolves.
 * Names are classified by their form alone: what they resolve to is the machine's business, which has no route to the metadata service.
 */
export function classifyHost(host: string): AddressClass {
  const bare = withoutBrackets(host);
  if (ipaddr.isValid(bare)) return classifyAddress(ipaddr.process(bare));
  return isLocalName(bare) ? "private" : "public";
}

/** Whether a host of a URL is an address and no name. */
export const isAddress = (host: string): boolean => ipaddr.isValid(withoutBrackets(host));

const withoutBrackets = (host: string): string => host.replace(/^\[|\]$/g, "");

function classifyAddress(address: ipaddr.IPv4 | ipaddr.IPv6): AddressClass {
  if (METADATA.has(address.toString()) || METADATA.has(lastFourBytes(address))) return "metadata";
  return address.range() === "unicast" ? "public" : "private";
}

function isLocalName(name: string): boolean {
  return !name.includes(".") || /(^|\.)(localhost|local|internal)$/i.test(name);
}

/** Ranges that translate to IPv4 (NAT64, IPv4-compatible) carry the address at their end. */
function lastFourBytes(address: ipaddr.IPv4 | ipaddr.IPv6): string {
  return address.toByteArray().slice(-4).join(".");
}
