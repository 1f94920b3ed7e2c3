import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { type RequestOptions, request } from "node:https";
import type { TLSSocket } from "node:tls";

export interface Answer {
  status: number | undefined;
  body: string;
  protocol: string | null;
  reusedConnection: boolean;
  reusedSession: boolean;
}

/** A plain `https.request`, read to its end. */
export async function get(url: string, options: RequestOptions): Promise<Answer> {
  const outgoing = request(url, options);
  outgoing.end();
  const [response]: IncomingMessage[] = await once(outgoing, "response");
  if (response === undefined) throw new Error("There is no response.");
  const socket = response.socket as TLSSocket;
  const answer = {
    status: response.statusCode,
    protocol: socket.getProtocol(),
    reusedConnection: outgoing.reusedSocket,
    reusedSession: socket.isSessionReused(),
  };
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return { ...answer, body: Buffer.concat(chunks).toString() };
}
