import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { caProfile, clientProfile, parseSettings, type Settings, serverProfile } from "@app-builder-mtls/proxy";
import { type Issued, issue } from "../cli/src/certificates";
import { type LocalCertificates, localCertificates } from "../cli/src/local/certificates";
import { type Builds, buildAll } from "./builds";
import { type Caller, startCaller } from "./callers/process";
import { freePortFor } from "./ports";
import { onOtherProcessors, start, untilListening } from "./processes";
import type { Programs } from "./programs";
import { prove } from "./proof";
import type { SideName } from "./report/measures";
import { type Backend, startBackend } from "./sides/backend";
import { directMutualTls, directTls } from "./sides/direct";
import { guide } from "./sides/guide";
import { caddy, haproxy, nodeProxy, stunnel } from "./sides/others";
import { ours, oursAgain } from "./sides/ours";
import type { Access, Side, SideKind } from "./sides/side";

const KINDS: SideKind[] = [ours, oursAgain, guide, haproxy, caddy, stunnel, nodeProxy, directMutualTls, directTls];

/** Whatever runs while something is measured, and how to end all of it. */
export interface Scene {
  sides: Side[];
  builds: Builds;
  programs: Programs;
  side(name: SideName): Side | undefined;
  caller(): Caller;
  /** A process of its own for one side, which has served nothing yet. */
  startAnew(name: SideName): Promise<Side>;
  /** The same access over a longer way. */
  relayed(access: Access, roundTripMs: number): Promise<Access>;
}

interface Cast {
  directory: string;
  programs: Programs;
  settings: Settings;
  certificates: LocalCertificates;
  backend: Backend;
  /** A backend with a certificate of a CA that nobody was told of. */
  impostor: Backend;
  stranger: Issued;
}

/** Ends what was begun, the last first. */
export class Ending {
  readonly #steps: (() => Promise<unknown>)[] = [];

  add<Ended extends { stop(): Promise<unknown> }>(begun: Ended): Ended {
    this.#steps.push(() => begun.stop());
    return begun;
  }

  async all(): Promise<void> {
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) await step().catch(() => undefined);
  }
}

/**
 * Starts every side that can run here and has each prove itself.
 *
 * @throws Error for a side that is not what it says
 */
export async function setUp(programs: Programs, ending: Ending, say: (progress: string) => void): Promise<Scene> {
  const directory = await temporaryDirectory(ending);
  const [builds, cast] = await Promise.all([
    buildAll(join(directory, "builds")),
    assemble(directory, programs, ending),
  ]);
  const sides: Side[] = [];
  for (const kind of KINDS.filter(({ needs }) => needs === "node" || programs[needs])) {
    const side = ending.add(await startSide(kind, cast, cast.backend));
    say(`${kind.name} is what it says: ${await proven(kind, side, cast)}`);
    sides.push(side);
  }
  const node = { command: process.execPath, leadingArguments: [] };
  return {
    sides,
    builds,
    programs,
    side: (name) => sides.find((side) => side.name === name),
    caller: () => ending.add(startCaller(builds.caller)),
    startAnew: (name) => startSide(kindOf(name), cast, cast.backend),
    relayed: async (access, roundTripMs) => {
      const port = await freePortFor();
      const args = [builds.relay, port, new URL(access.url).port, roundTripMs].map(String);
      ending.add(start(onOtherProcessors(node), args, { directory }));
      await untilListening(port, "the relay", directory);
      return { ...access, url: `https://127.0.0.1:${port}` };
    },
  };
}

async function temporaryDirectory(ending: Ending): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "mtls-proxy-bench-"));
  ending.add({ stop: () => rm(directory, { recursive: true, force: true }) });
  return directory;
}

async function assemble(directory: string, programs: Programs, ending: Ending): Promise<Cast> {
  const settings = parseSettings({ destinations: [{ url: "https://api.example.com" }] });
  const nginx = { ...programs.nginx, ...onOtherProcessors(programs.nginx) };
  const backendOf = async (name: string, from: Issued) => {
    const server = await issue(serverProfile(settings), { issuer: from, names: ["localhost"] });
    return ending.add(await startBackend({ nginx, directory: join(directory, name), ca: from, server }));
  };
  const [ca, foreignCa] = [await issue(caProfile(settings)), await issue(caProfile(settings))];
  return {
    directory,
    programs,
    settings,
    certificates: await localCertificates(join(directory, "certificates"), settings),
    backend: await backendOf("backend", ca),
    impostor: { ...(await backendOf("impostor", foreignCa)), ca: ca.cert },
    stranger: await issue(clientProfile(settings, { name: "app-builder", generation: 1 }), { issuer: foreignCa }),
  };
}

function kindOf(name: SideName): SideKind {
  const kind = KINDS.find((candidate) => candidate.name === name);
  if (!kind) throw new Error(`there is no side ${name}`);
  return kind;
}

let started = 0;

async function startSide(kind: SideKind, cast: Cast, backend: Backend): Promise<Side> {
  const directory = join(cast.directory, `${kind.name}-${started++}`);
  await mkdir(directory, { mode: 0o700 });
  return kind.start({ ...cast, backend, directory, port: await freePortFor() });
}

async function proven(kind: SideKind, side: Side, cast: Cast): Promise<string> {
  const { promised } = kind;
  const deceived = promised.verifiesDestination === undefined ? undefined : await startSide(kind, cast, cast.impostor);
  try {
    const { token } = cast.backend;
    return await prove(side, { promised, token, stranger: cast.stranger, ...(deceived && { deceived }) });
  } finally {
    await deceived?.stop();
  }
}
