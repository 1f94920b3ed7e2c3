import type { X509Certificate } from "node:crypto";
import { Agent, request } from "node:https";
import type { TLSSocket } from "node:tls";
import type { Issued } from "../cli/src/certificates";
import type { Access, Promised, Side } from "./sides/side";

export interface ProofOptions {
  promised: Promised;
  /** What the backend alone sends. */
  token: string;
  /** A certificate with the client's names, of a CA that nobody knows. */
  stranger: Issued;
  /** The same side in front of a backend with a certificate of a foreign CA. */
  deceived?: Side;
}

interface Answer {
  status: number;
  token: string;
  /** Which request on its connection this was, as the backend counts. */
  requests: number;
  protocol: string;
  cipher: string;
  certificate: X509Certificate | undefined;
}

/**
 * Asks a side whether it is what it says.
 *
 * @returns its TLS version and cipher, as context
 * @throws Error naming what it is not
 */
export async function prove(side: Side, { promised, token, stranger, deceived }: ProofOptions): Promise<string> {
  const must = (holds: boolean, what: string) => {
    if (!holds) throw new Error(`${side.name} is not what it says: ${what}`);
  };
  const { cert: _, key: __, ...nobody } = side.access;
  const agent = agentOf(side.access);
  const answers: Answer[] = [];
  for (let index = 0; index < 4; index++) answers.push(await ask(side.access, agent));
  agent.destroy();
  const [first] = answers;
  const last = answers.at(-1);
  if (!first || !last) throw new Error("no answer at all");

  for (const { status, token: sent } of answers)
    must(
      status === 200 && sent === token,
      `the answer is ${status}, ${sent ? "of another backend" : "and of no backend"}`,
    );
  must(first.protocol === promised.protocol, `it speaks ${first.protocol} in place of ${promised.protocol}`);
  must(isStrong(first.cipher), `it chose the cipher ${first.cipher}`);
  must(keyOf(first.certificate) === promised.key, `its key is ${keyOf(first.certificate)}`);
  if (promised.asksForCertificate) {
    must(!(await isServed(nobody, token)), "it serves who has no certificate");
    must(!(await isServed({ ...side.access, ...stranger }, token)), "it serves a stranger");
  } else must(await isServed(nobody, token), "it asks for a certificate");
  if (promised.keepsConnections !== undefined) {
    const isKept = last.requests > 1;
    must(isKept === promised.keepsConnections, `its connection to the backend was ${isKept ? "kept" : "not kept"}`);
  }
  if (deceived) {
    const isDeceived = await isServed(deceived.access);
    must(isDeceived !== promised.verifiesDestination, `it ${isDeceived ? "took" : "refused"} a false backend`);
  }
  return `${first.protocol} ${first.cipher}`;
}

/** Authenticated, with a key exchange of its own for each connection. */
const isStrong = (cipher: string): boolean => /^(TLS_|ECDHE-).*(GCM|POLY1305)/.test(cipher);

function keyOf(certificate: X509Certificate | undefined): string {
  if (!certificate) return "unknown";
  const { publicKey } = certificate;
  const { modulusLength, namedCurve } = publicKey.asymmetricKeyDetails ?? {};
  return publicKey.asymmetricKeyType === "rsa"
    ? `RSA-${modulusLength}`
    : `ECDSA-${namedCurve === "prime256v1" ? "P256" : namedCurve}`;
}

type Asking = Pick<Access, "url" | "ca"> & Partial<Access>;

const agentOf = ({ cert, key, ca }: Asking): Agent =>
  new Agent({ keepAlive: true, maxSockets: 1, cert, key, ca, rejectUnauthorized: ca !== undefined });

/** Whether the answer came from a backend; any error and any answer of the side's own is a refusal. */
async function isServed(access: Asking, token?: string): Promise<boolean> {
  const agent = agentOf(access);
  try {
    const answer = await ask(access, agent);
    return token === undefined ? answer.token !== "" : answer.token === token;
  } catch {
    return false;
  } finally {
    agent.destroy();
  }
}

function ask({ url }: Asking, agent: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(`${url}/stock/4711?warehouse=basel`, { agent, timeout: 10_000 }, (answer) => {
      const socket = answer.socket as TLSSocket;
      const found = {
        status: answer.statusCode ?? 0,
        token: String(answer.headers["x-bench-backend"] ?? ""),
        requests: Number(answer.headers["x-bench-requests"]),
        protocol: socket.getProtocol() ?? "",
        cipher: socket.getCipher().name,
        certificate: socket.getPeerX509Certificate(),
      };
      answer
        .resume()
        .on("end", () => resolve(found))
        .on("error", reject);
    });
    asked
      .on("timeout", () => asked.destroy(new Error("no answer in 10 s")))
      .on("error", reject)
      .end();
  });
}
