import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { rootCertificates } from "node:tls";
import { promisify } from "node:util";
import {
  type Files,
  HEALTH_PORT,
  makeBundle,
  nginxFiles,
  type Settings,
  serverProfile,
  type Target,
} from "@app-builder-mtls/proxy";
import { type Issued, issue } from "../../cli/src/certificates";
import { freePort } from "../../cli/src/local/ports";
import { issueCa } from "./certificates";
import { nginxUnderTest } from "./nginx";

const exec = promisify(execFile);

/** A proxy's files in a directory that goes with the scope, and the free ports that stand in them. */
export interface WrittenProxy extends AsyncDisposable {
  directory: string;
  files: Files;
  ca: Issued;
  port: number;
  healthPort: number;
}

/** Writes the files that a proxy of these settings has, certificates included. */
export async function writeProxyFiles(settings: Settings, target: Partial<Target> = {}): Promise<WrittenProxy> {
  const directory = await mkdtemp(join(tmpdir(), "mtls-proxy-files-"));
  const { version } = await nginxUnderTest();
  const [ca, systemCa] = [await issueCa(), "system-ca.crt"];
  const [port, healthPort] = [await someFreePort(), await someFreePort()];
  const server = await issue(serverProfile(settings), { issuer: ca, names: ["localhost"] });
  const { files } = makeBundle(version, {
    ...nginxFiles(settings, { nginxVersion: version, listen: ["127.0.0.1"], systemCa, ...target }),
    "server.crt": server.cert,
    "server.key": server.key,
    "client-ca.crt": ca.cert,
  });
  const written = {
    ...files,
    "nginx.conf": onPort(files["nginx.conf"], settings.port, port),
    ...(target.health && { "health.conf": onPort(files["health.conf"], HEALTH_PORT, healthPort) }),
    [systemCa]: rootCertificates.slice(0, 3).join("\n"),
  };
  await mkdir(join(directory, "logs"));
  for (const [path, content] of Object.entries(written)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content);
  }
  return {
    directory,
    files,
    ca,
    port,
    healthPort,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

/** nginx binds what it would listen on, even for a test: 443 is root's alone, and two runs of the tests would want the same. */
const onPort = (conf = "", from: number, to: number): string =>
  conf.replaceAll(new RegExp(`(listen .*):${from}\\b`, "g"), `$1:${to}`);

const someFreePort = (): Promise<number> => freePort(10_000 + Math.floor(Math.random() * 9_000));

/**
 * What `nginx -t` says of the files, without its two lines of success.
 * @throws what nginx says when it refuses them
 */
export async function checkWithNginx(directory: string): Promise<string> {
  const { command, leadingArguments } = await nginxUnderTest();
  const own = ["-t", "-e", "stderr", "-p", directory, "-c", join(directory, "nginx.conf")];
  const { stderr } = await exec(command, [...leadingArguments, ...own]);
  return stderr.replace(/^nginx: .* (syntax is ok|test is successful)\n/gm, "");
}
