import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Bundle, STATUS_PATH } from "@app-builder-mtls/proxy";
import { startNginx } from "../../cli/src/local/nginxProcess";
import { connects } from "../support/connects";
import { nginxOfRelease } from "../support/nginx";
import { until } from "../support/until";

export interface Surroundings {
  /** The address that the emulator gave to the stack; its addresses are loopback's. */
  address: string;
  port: number;
  /** The DNS server in place of the VPC's. */
  resolver: string;
  /** The CAs in place of the machine's, PEM. */
  systemCa: string;
}

export interface ServedBundle extends AsyncDisposable {
  /** Serves another bundle from now on, without a restart, as the machine does. */
  change(bundle: Bundle): Promise<void>;
}

/**
 * Serves the bundle that a stack published, by a real nginx that is no older than the cloud's. Of its files only what
 * names the surroundings is changed: where it listens, the DNS server, the machine's CAs.
 */
export async function serveBundle(bundle: Bundle, surroundings: Surroundings): Promise<ServedBundle> {
  const directory = await mkdtemp(join(tmpdir(), "mtls-proxy-bundle-"));
  await writeFile(join(directory, "system-ca.crt"), surroundings.systemCa);
  for (const path of ["logs", "state"]) await mkdir(join(directory, path));
  await lay(bundle, surroundings, directory);
  const nginx = startNginx(await nginxOfRelease("sid"), directory);
  const gone = nginx.ended.then((said) => Promise.reject(new Error(`nginx ended and said:\n${said}`)));
  gone.catch(() => undefined); // it ends with the scope
  await Promise.race([until(() => connects(surroundings.address, surroundings.port), 10_000), gone]);
  return {
    change: async (next) => {
      await lay(next, surroundings, directory);
      nginx.reload();
      await Promise.race([until(async () => (await servedVersion(next, surroundings)) === next.version, 15_000), gone]);
    },
    [Symbol.asyncDispose]: async () => {
      await nginx.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Writes the bundle and has `current` point at it. */
async function lay(bundle: Bundle, surroundings: Surroundings, directory: string): Promise<void> {
  for (const [path, content] of Object.entries(bundle.files)) {
    const file = join(directory, bundle.version, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, inSurroundings(content, surroundings, directory));
  }
  await writeFile(join(directory, "state", `${bundle.version}.json`), wordOfSync(bundle));
  await symlink(bundle.version, join(directory, "coming"));
  await rename(join(directory, "coming"), join(directory, "current"));
}

/** Asked as the machine asks, as the probe of that bundle; undefined while it does not fit what is served. */
function servedVersion({ files }: Bundle, { address, port }: Surroundings): Promise<string | undefined> {
  const probe = { ca: files["client-ca.crt"], cert: files["probe.crt"], key: files["probe.key"] };
  return new Promise((resolve) => {
    const asked = request({ host: address, port, path: STATUS_PATH, agent: false, ...probe }, async (answer) => {
      let body = "";
      for await (const chunk of answer) body += chunk;
      resolve(/"bundleVersion":"(\w+)"/.exec(body)?.[1]);
    });
    asked.on("error", () => resolve(undefined)).end();
  });
}

/** What sync says when all is well. The machine that runs it is another test's; here it is its word alone that is needed. */
function wordOfSync({ version, files }: Bundle): string {
  const { destinations } = JSON.parse(files["outline.json"] ?? "{}");
  return JSON.stringify({
    bundleVersion: version,
    wantedVersion: version,
    problem: null,
    checkedAt: new Date().toISOString(),
    certificates: [{ name: "server", daysLeft: 364 }],
    destinations: destinations.map(({ name, path }: { name: string; path: string }) => ({ name, path, health: "ok" })),
  });
}

function inSurroundings(text: string, { address, resolver }: Surroundings, directory: string): string {
  return text
    .replaceAll("listen 0.0.0.0:", `listen ${address}:`)
    .replaceAll("resolver 169.254.169.253", `resolver ${resolver}`)
    .replaceAll("/etc/mtls-proxy/system-ca.crt", join(directory, "system-ca.crt"));
}
