import { createSocket } from "node:dgram";
import { once } from "node:events";

/** A DNS server that knows what the test tells it, and says that every other name does not exist. */
export interface NameServer extends AsyncDisposable {
  port: number;
  /** IPv4 addresses by name; a name that is taken out does not exist from then on. */
  names: Map<string, string>;
  /** Answers no more. */
  stop(): Promise<void>;
}

/** Seconds for which an answer holds. */
export const RECORD_SECONDS = 1;
const HEADER_BYTES = 12;
/** Flags of an answer (RFC 1035, 4.1.1): found, and no such name. */
const [FOUND, NO_SUCH_NAME] = [0x8180, 0x8183];
const TYPE_A = 1;

export async function startNameServer(): Promise<NameServer> {
  const names = new Map<string, string>();
  const socket = createSocket("udp4", (question, asker) =>
    socket.send(answerTo(question, names), asker.port, asker.address),
  );
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  let stopped: Promise<unknown> | undefined;
  const stop = async () => {
    if (!stopped) {
      stopped = once(socket, "close");
      socket.close();
    }
    await stopped;
  };
  return { port: socket.address().port, names, stop, [Symbol.asyncDispose]: stop };
}

function answerTo(question: Buffer, names: Map<string, string>): Buffer {
  const { name, end } = nameIn(question);
  const address = names.get(name);
  const asksAddress = question.readUInt16BE(end) === TYPE_A;
  const header = Buffer.from(question.subarray(0, HEADER_BYTES));
  header.writeUInt16BE(address ? FOUND : NO_SUCH_NAME, 2);
  for (const [field, count] of [1, address && asksAddress ? 1 : 0, 0, 0].entries())
    header.writeUInt16BE(count, 4 + 2 * field);
  const asked = question.subarray(HEADER_BYTES, end + 4);
  if (!address || !asksAddress) return Buffer.concat([header, asked]);
  const record = Buffer.from([0xc0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, RECORD_SECONDS, 0, 4]);
  return Buffer.concat([header, asked, record, Buffer.from(address.split(".").map(Number))]);
}

function nameIn(question: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let position = HEADER_BYTES;
  for (let length = question[position] ?? 0; length > 0; length = question[position] ?? 0) {
    labels.push(question.toString("latin1", position + 1, position + 1 + length));
    position += 1 + length;
  }
  return { name: labels.join(".").toLowerCase(), end: position + 1 };
}
