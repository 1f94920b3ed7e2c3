import { join } from "node:path";
import type { Program } from "../../cli/src/debianPackages";
import { freePortFor } from "../ports";
import { onProxyProcessor, start, untilListening } from "../processes";
import { accessOf, type Place, type Side, type SideKind, SOUND_PROXY, writeCertificates, writeFilled } from "./side";

export const haproxy: SideKind = {
  name: "haproxy",
  needs: "haproxy",
  promised: SOUND_PROXY,
  start: (place) => startOther("haproxy", place, "haproxy.cfg", ["-db", "-f", "haproxy.cfg"]),
};

export const caddy: SideKind = {
  name: "caddy",
  needs: "caddy",
  promised: SOUND_PROXY,
  start: (place) => startOther("caddy", place, "Caddyfile", ["run", "--config", "Caddyfile", "--adapter", "caddyfile"]),
};

export const stunnel: SideKind = {
  name: "stunnel",
  needs: "stunnel",
  promised: SOUND_PROXY,
  start: (place) => startOther("stunnel", place, "stunnel.conf", ["stunnel.conf"]),
};

export const nodeProxy: SideKind = {
  name: "node",
  needs: "node",
  promised: SOUND_PROXY,
  start: (place) => {
    const ports = [place.port, place.backend.port].map(String);
    return startOther("node", place, undefined, [join(__dirname, "files/nodeProxy.js"), ...ports]);
  },
};

type Other = "haproxy" | "caddy" | "stunnel" | "node";

async function startOther(name: Other, place: Place, file: string | undefined, args: string[]): Promise<Side> {
  const { directory, port, backend } = place;
  await writeCertificates(place);
  const ports = { PORT: port, BACKEND_PORT: backend.port, INNER_PORT: await freePortFor() };
  if (file) await writeFilled(file, join(directory, file), ports);
  const running = start(onProxyProcessor(programOf(name, place)), args, {
    directory,
    env: { PATH: process.env.PATH, HOME: directory },
  });
  await untilListening(port, name, directory);
  return { name, access: accessOf(place), pid: running.pid, requests: backend.requests, stop: running.stop };
}

function programOf(name: Other, { programs }: Place): Program {
  if (name === "node") return { command: process.execPath, leadingArguments: [] };
  const program = programs[name];
  if (!program) throw new Error(`${name} is not there`);
  return program;
}
