import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Settings } from "@app-builder-mtls/proxy";
import type { LocalCertificates } from "../../cli/src/local/certificates";
import { writePrivateFile } from "../../cli/src/privateFiles";
import type { Programs } from "../programs";
import type { SideName } from "../report/measures";
import type { Backend } from "./backend";

/** What a caller needs for a side. */
export interface Access {
  /** The origin, `https://127.0.0.1:PORT`. */
  url: string;
  cert: string;
  key: string;
  /** What the server's certificate is verified by; the guide's client verifies nothing. */
  ca?: string;
}

/** What a side is given to start with. */
export interface Place {
  /** Its own, empty and private. */
  directory: string;
  port: number;
  backend: Backend;
  programs: Programs;
  /** Of our profiles: for every side but the guide's. */
  certificates: LocalCertificates;
  settings: Settings;
}

export interface Side {
  name: SideName;
  access: Access;
  pid: number;
  /** Requests that reached the last in line, counted there. */
  requests(): Promise<number>;
  /** Loads its files anew; ours alone is measured in it. */
  reload?(): Promise<void>;
  stop(): Promise<void>;
}

/** What a side says of itself, and must prove before it is measured. */
export interface Promised {
  asksForCertificate: boolean;
  /** Whether it refuses a backend with a certificate of another CA; nothing where there is none behind it. */
  verifiesDestination?: boolean;
  /** Whether it keeps its connections to the backend; nothing where there is none behind it. */
  keepsConnections?: boolean;
  protocol: "TLSv1.2" | "TLSv1.3";
  key: "RSA-4096" | "ECDSA-P256";
}

/** What a proxy promises that is set up as well as ours. */
export const SOUND_PROXY: Promised = {
  asksForCertificate: true,
  verifiesDestination: true,
  keepsConnections: true,
  protocol: "TLSv1.3",
  key: "ECDSA-P256",
};

export interface SideKind {
  name: SideName;
  /** The program without which it cannot run. */
  needs: keyof Programs | "node";
  promised: Promised;
  start(place: Place): Promise<Side>;
}

/** A file of `files/` with its `@PLACES@` filled, written into the side's directory. */
export async function writeFilled(name: string, path: string, values: Record<string, string | number>): Promise<void> {
  const text = await readFile(join(__dirname, "files", name), "utf8");
  const filled = text.replace(/@([A-Z_]+)@/g, (place, key: string) => String(values[key] ?? place));
  await writePrivateFile(path, filled);
}

/** The same certificates for every side but the guide's, as the files that such programs read. */
export async function writeCertificates({ directory, certificates, backend }: Place): Promise<void> {
  const { server, ca } = certificates;
  const files = {
    "server.crt": server.cert,
    "server.key": server.key,
    "server.pem": server.cert + server.key,
    "client-ca.crt": ca.cert,
    "backend-ca.crt": backend.ca,
  };
  for (const [name, content] of Object.entries(files)) await writePrivateFile(join(directory, name), content);
}

/** How the one client of all sides but the guide's gets in. */
export function accessOf({ port, certificates: { ca, clients } }: Pick<Place, "port" | "certificates">): Access {
  const client = Object.values(clients)[0];
  if (!client) throw new Error("a proxy without a client");
  return { url: `https://127.0.0.1:${port}`, ...client, ca: ca.cert };
}
