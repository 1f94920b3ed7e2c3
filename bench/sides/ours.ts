import { join } from "node:path";
import { parseSettings } from "@app-builder-mtls/proxy";
import { startLocalProxy } from "../../cli/src/local/proxy";
import { onProxyProcessor } from "../processes";
import type { SideName } from "../report/measures";
import { accessOf, type Place, type Side, type SideKind, SOUND_PROXY } from "./side";

/** The files of proxy/, run as `mtls-proxy local` runs them. Limits are counted, and so high that no load meets them. */
const LIMITS = { requestsPerSecondPerClient: 100_000, requestsPerSecondPerAddress: 100_000 };

const settingsOf = ({ port, backend }: Pick<Place, "port" | "backend">, bodyMegabytes = 100) =>
  parseSettings({
    port,
    allowLocalDestinations: true,
    destinations: [{ name: "backend", url: `https://localhost:${backend.port}`, ca: backend.ca }],
    limits: { ...LIMITS, bodyMegabytes, concurrentRequestsPerClient: 20_000, concurrentRequestsPerAddress: 20_000 },
  });

const kind = (name: SideName): SideKind => ({
  name,
  needs: "nginx",
  promised: SOUND_PROXY,
  start: (place) => startOurs(name, place),
});

export const ours = kind("ours");
/** The same once more: what differs between the two is noise. */
export const oursAgain = kind("again");

async function startOurs(name: SideName, place: Place): Promise<Side> {
  const { certificates, programs, backend, directory } = place;
  const nginx = { ...programs.nginx, ...onProxyProcessor(programs.nginx) };
  const settings = settingsOf(place);
  const proxy = await startLocalProxy({ nginx, settings, certificates, directory: join(directory, "run") });
  let bodyMegabytes = 100;
  return {
    name,
    access: accessOf(place),
    pid: proxy.nginx.pid,
    requests: backend.requests,
    reload: () => proxy.serve(settingsOf(place, ++bodyMegabytes)),
    stop: proxy.stop,
  };
}
