import type { IncomingHttpHeaders } from "node:http";
import { request } from "node:https";
import type { TLSSocket } from "node:tls";
import type { Issued } from "../certificates";
import { type Insider, type Subject, serverNameOf } from "./subject";

/** What is asked, on a connection of its own. */
export interface Question {
  path: string;
  /** Default: GET. */
  method?: "GET" | "HEAD";
  /** Presented as client; nobody without one. */
  client?: Issued | undefined;
  /** The CA that the server must prove to be of. Without one any server will do, so nothing may be sent that matters. */
  ca?: string;
  /** Milliseconds for all of it. Default: 10 000. */
  limitMs?: number;
}

/** Milliseconds of each leg. */
interface Legs extends Record<string, number> {
  /** Name lookup and TCP. */
  connect: number;
  tls: number;
  /** From the request's last byte to the answer's first: the way there and back, and whatever is behind the proxy. */
  firstByte: number;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  /** Its first 256 KiB. */
  body: string;
  legs: Legs;
  /** By this machine's clock, halfway between question and answer. */
  askedAt: number;
}

/** Nothing came back, or the connection ended first. */
export interface NoAnswer {
  /** Node's or OpenSSL's own code, such as ECONNREFUSED; `TIMEOUT` when the time was over, `BROKEN_OFF` inside an answer. */
  error: string;
  message: string;
}

const LIMIT_MS = 10_000;
const BODY_BYTES = 256 * 1024;

export const isAnswer = (reply: Answer | NoAnswer): reply is Answer => "status" in reply;

/** The proxy's own code when it, and not a destination, gave the answer. */
export function proxyCodeOf({ headers }: Answer): string | undefined {
  const code = headers["x-mtls-proxy-error"];
  return typeof code === "string" ? code : undefined;
}

/** Asks as the client; a server that is not of the stack's CA is told nothing. */
export const askAsClient = (insider: Insider, question: Omit<Question, "client" | "ca">): Promise<Answer | NoAnswer> =>
  ask(insider, { ...question, client: insider.client, ca: insider.ca });

export function ask(
  subject: Pick<Subject, "host" | "port">,
  { path, method = "GET", client, ca, limitMs = LIMIT_MS }: Question,
): Promise<Answer | NoAnswer> {
  return new Promise((resolve) => {
    const started = performance.now();
    const marks = { connected: started, secured: started, askedAt: Date.now() };
    const call = request({
      host: subject.host,
      port: subject.port,
      servername: serverNameOf(subject) ?? "",
      path,
      method,
      agent: false,
      headers: { "user-agent": "mtls-proxy-verify", connection: "close" },
      ...(client && { cert: client.cert, key: client.key }),
      // said in both cases: NODE_TLS_REJECT_UNAUTHORIZED must not lead the client to a stranger
      rejectUnauthorized: ca !== undefined,
      ...(ca !== undefined && { ca }),
      // a made-up or ageing certificate is to be judged by the server, not by OpenSSL here
      ciphers: "DEFAULT@SECLEVEL=0",
    });
    const timer = setTimeout(
      () => call.destroy(Object.assign(new Error("no answer in time"), { code: "TIMEOUT" })),
      limitMs,
    );
    const end = (reply: Answer | NoAnswer) => {
      clearTimeout(timer);
      resolve(reply);
    };
    call.on("socket", (socket) => {
      socket.once("connect", () => {
        marks.connected = performance.now();
      });
      (socket as TLSSocket).once("secureConnect", () => {
        marks.secured = performance.now();
        marks.askedAt = Date.now();
      });
    });
    call.on("error", (error: NodeJS.ErrnoException) =>
      end({ error: error.code ?? error.name, message: error.message }),
    );
    call.on("response", (response) => {
      const legs = {
        connect: Math.round(marks.connected - started),
        tls: Math.round(marks.secured - marks.connected),
        firstByte: Math.round(performance.now() - marks.secured),
      };
      const askedAt = (marks.askedAt + Date.now()) / 2;
      const { statusCode: status = 0, headers } = response;
      const done = () => {
        const isWhole = response.complete || body.length > BODY_BYTES;
        end(
          isWhole
            ? { status, headers, body, legs, askedAt }
            : { error: "BROKEN_OFF", message: `after ${body.length} bytes` },
        );
      };
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        body += chunk;
        if (body.length > BODY_BYTES) response.destroy();
      });
      response.on("end", done).on("close", done).on("error", done);
    });
    call.end();
  });
}
