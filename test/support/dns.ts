import { createSocket } from "node:dgram";
import { once } from "node:events";

/** RFC 1035 3.2.2 and 4.1.1. */
const TYPE_A = 1;
const HEADER_BYTES = 12;

/** A DNS server on loopback that knows the names it is given, and says that no other exists. */
export interface DnsServer extends AsyncDisposable {
  /** `127.0.0.1:PORT`, as nginx' `resolver` takes it. */
  address: string;
  /** IPv4 addresses by name; may be changed while it runs. */
  names: Record<string, string>;
}

export async function startDns(names: Record<string, string>): Promise<DnsServer> {
  const socket = createSocket("udp4");
  socket.on("message", (query, { address, port }) => socket.send(answerTo(query, names), port, address));
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    address: `127.0.0.1:${socket.address().port}`,
    names,
    [Symbol.asyncDispose]: async () => {
      socket.close();
      await once(socket, "close");
    },
  };
}

function answerTo(query: Buffer, names: Record<string, string>): Buffer {
  const { name, type, end } = questionOf(query);
  const address = names[name];
  const answers = address && type === TYPE_A ? [recordOf(address)] : [];
  const header = Buffer.alloc(HEADER_BYTES);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(address ? 0x8580 : 0x8583, 2); // an authoritative answer, or that the name does not exist
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(answers.length, 6);
  return Buffer.concat([header, query.subarray(HEADER_BYTES, end), ...answers]);
}

function questionOf(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let position = HEADER_BYTES;
  for (let length = query[position] ?? 0; length > 0; length = query[position] ?? 0) {
    labels.push(query.toString("latin1", position + 1, position + 1 + length).toLowerCase());
    position += length + 1;
  }
  return { name: labels.join("."), type: query.readUInt16BE(position + 1), end: position + 5 };
}

/** A record that holds for a second, for the name in the question. */
function recordOf(address: string): Buffer {
  const record = Buffer.from([0xc0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, 1, 0, 4, 0, 0, 0, 0]);
  address.split(".").forEach((part, index) => {
    record[HEADER_BYTES + index] = Number(part);
  });
  return record;
}
