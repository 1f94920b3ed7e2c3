import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Issued } from "../../cli/src/certificates";
import type { Program } from "../../cli/src/debianPackages";
import { startNginx } from "../../cli/src/local/nginxProcess";
import { makePrivateDirectory } from "../../cli/src/privateFiles";
import { onProxyProcessor, untilListening } from "../processes";
import { type Place, type Side, type SideKind, writeFilled } from "./side";

const exec = promisify(execFile);

/** Adobe's guide: its commands for the certificates and its nginx settings. */
export const guide: SideKind = {
  name: "guide",
  needs: "openssl",
  promised: {
    asksForCertificate: true,
    verifiesDestination: false,
    keepsConnections: false,
    protocol: "TLSv1.2",
    key: "RSA-4096",
  },
  start: startGuide,
};

async function startGuide({ directory, port, backend, programs }: Place): Promise<Side> {
  const current = join(directory, "current");
  await makePrivateDirectory(current);
  if (!programs.openssl) throw new Error("the guide's way needs openssl");
  await makePair(programs.openssl, current, "mtls_server");
  const client = await makePair(programs.openssl, current, "mtls_client");
  await writeFilled("guide.conf", join(current, "nginx.conf"), { PORT: port, BACKEND_PORT: backend.port });
  const running = startNginx({ ...programs.nginx, ...onProxyProcessor(programs.nginx) }, directory);
  await untilListening(port, "the guide's nginx", directory);
  return {
    name: "guide",
    access: { url: `https://127.0.0.1:${port}`, ...client },
    pid: running.pid,
    requests: backend.requests,
    stop: running.stop,
  };
}

/** The guide's command, but for the questions that it asks. */
async function makePair({ command, leadingArguments }: Program, directory: string, name: string): Promise<Issued> {
  const [key, cert] = [join(directory, `${name}.key`), join(directory, `${name}.crt`)];
  const wanted = ["req", "-x509", "-nodes", "-days", "3650", "-newkey", "rsa:4096", "-keyout", key, "-out", cert];
  await exec(command, [...leadingArguments, ...wanted, "-subj", "/C=CH/O=My host"]);
  return { cert: await readFile(cert, "utf8"), key: await readFile(key, "utf8") };
}
