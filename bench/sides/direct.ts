import { onProxyProcessor } from "../processes";
import { startBackend } from "./backend";
import { accessOf, type Place, type Side, type SideKind } from "./side";

/** The limit: no proxy at all, the backend itself on the proxy's processor and with the proxy's certificates. */
export const directMutualTls: SideKind = {
  name: "direct-mtls",
  needs: "nginx",
  promised: { asksForCertificate: true, protocol: "TLSv1.3", key: "ECDSA-P256" },
  start: (place) => startDirect("direct-mtls", place),
};

export const directTls: SideKind = {
  name: "direct-tls",
  needs: "nginx",
  promised: { asksForCertificate: false, protocol: "TLSv1.3", key: "ECDSA-P256" },
  start: (place) => startDirect("direct-tls", place),
};

async function startDirect(name: "direct-mtls" | "direct-tls", place: Place): Promise<Side> {
  const { directory, port, programs, certificates } = place;
  const { ca, server } = certificates;
  const nginx = { ...programs.nginx, ...onProxyProcessor(programs.nginx) };
  const clientCa = name === "direct-mtls" ? ca.cert : undefined;
  const backend = await startBackend({
    nginx,
    directory,
    ca,
    server,
    port,
    token: place.backend.token,
    ...(clientCa && { clientCa }),
  });
  return { name, access: accessOf(place), pid: backend.pid, requests: backend.requests, stop: backend.stop };
}
