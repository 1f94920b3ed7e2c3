import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { type Subject, serverNameOf } from "./subject";

/**
 * A ClientHello written by hand, and what the server makes of it. OpenSSL here could offer neither what it was built
 * without (SSL 3.0, RC4, export ciphers) nor tell what the server would have said to it.
 */
export interface Offer {
  version: TlsVersion;
  /** Code points of cipher suites (IANA, "TLS Cipher Suites"). */
  ciphers: number[];
}

export type TlsVersion = "SSL 3.0" | "TLS 1.0" | "TLS 1.1" | "TLS 1.2" | "TLS 1.3";

const CODES: Record<TlsVersion, number> = {
  "SSL 3.0": 0x0300,
  "TLS 1.0": 0x0301,
  "TLS 1.1": 0x0302,
  "TLS 1.2": 0x0303,
  "TLS 1.3": 0x0304,
};

/** What came back. */
export interface Reply {
  /** `silent`: nothing within the limit; `other`: bytes that are no TLS. */
  kind: "accepted" | "refused" | "silent" | "other";
  /** Of an accepted offer. */
  version?: TlsVersion;
  cipher?: number;
  /** Whether the server asks for a client certificate; up to TLS 1.2 it says so in clear. */
  asksForCertificate?: boolean;
}

/** Milliseconds. */
const LIMIT_MS = 5_000;

export function offer(subject: Pick<Subject, "host" | "port">, wanted: Offer, limitMs = LIMIT_MS): Promise<Reply> {
  return new Promise((resolve) => {
    let received = Buffer.alloc(0);
    const socket = connect(subject.port, subject.host, () => socket.write(clientHello(wanted, serverNameOf(subject))));
    const end = (reply: Reply) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(reply);
    };
    const timer = setTimeout(() => end(read(received).reply ?? { kind: "silent" }), limitMs);
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const { reply, complete } = read(received);
      if (reply && complete) end(reply);
    });
    const over = () => end(read(received).reply ?? { kind: "refused" });
    socket.on("end", over).on("close", over).on("error", over);
  });
}

const ALERT = 21;
const HANDSHAKE = 22;
const SERVER_HELLO = 2;
const CERTIFICATE_REQUEST = 13;
const SERVER_HELLO_DONE = 14;

interface Read {
  reply?: Reply;
  /** No more bytes can change it. */
  complete: boolean;
}

/** What the bytes so far say. They may be anybody's: lengths inside may point anywhere. */
function read(bytes: Buffer): Read {
  try {
    return readTls(bytes);
  } catch (error) {
    if (error instanceof RangeError) return { reply: { kind: "other" }, complete: true };
    throw error;
  }
}

function readTls(bytes: Buffer): Read {
  let handshake = Buffer.alloc(0);
  let position = 0;
  for (; position + 5 <= bytes.length; ) {
    const [type, length] = [bytes.readUInt8(position), bytes.readUInt16BE(position + 3)];
    if (bytes.readUInt8(position + 1) !== 3) return { reply: { kind: "other" }, complete: true };
    if (type !== HANDSHAKE) break;
    if (position + 5 + length > bytes.length) break;
    handshake = Buffer.concat([handshake, bytes.subarray(position + 5, position + 5 + length)]);
    position += 5 + length;
  }
  const messages = messagesIn(handshake);
  const hello = messages.find(({ type }) => type === SERVER_HELLO);
  if (hello) {
    const seen = messages.map(({ type }) => type);
    const { version, cipher } = readServerHello(hello.body);
    const inClear = version !== "TLS 1.3";
    const complete = !inClear || seen.includes(SERVER_HELLO_DONE);
    const known = inClear && complete ? { asksForCertificate: seen.includes(CERTIFICATE_REQUEST) } : {};
    return { reply: { kind: "accepted", version, cipher, ...known }, complete };
  }
  if (bytes.length === 0) return { complete: false };
  if (bytes.readUInt8(0) === ALERT) return { reply: { kind: "refused" }, complete: true };
  if (bytes.readUInt8(0) !== HANDSHAKE) return { reply: { kind: "other" }, complete: true };
  return { complete: false };
}

function messagesIn(handshake: Buffer): { type: number; body: Buffer }[] {
  const messages: { type: number; body: Buffer }[] = [];
  for (let position = 0; position + 4 <= handshake.length; ) {
    const length = handshake.readUIntBE(position + 1, 3);
    if (position + 4 + length > handshake.length) break;
    messages.push({
      type: handshake.readUInt8(position),
      body: handshake.subarray(position + 4, position + 4 + length),
    });
    position += 4 + length;
  }
  return messages;
}

const SUPPORTED_VERSIONS = 43;

function readServerHello(body: Buffer): { version: TlsVersion; cipher: number } {
  const legacy = body.readUInt16BE(0);
  const afterSession = 35 + body.readUInt8(34);
  const cipher = body.readUInt16BE(afterSession);
  const code =
    extensionsIn(body.subarray(afterSession + 3))
      .get(SUPPORTED_VERSIONS)
      ?.readUInt16BE(0) ?? legacy;
  const named = Object.entries(CODES).find(([, known]) => known === code)?.[0];
  return { version: (named ?? "TLS 1.3") as TlsVersion, cipher };
}

function extensionsIn(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let position = 2; position + 4 <= bytes.length; ) {
    const length = bytes.readUInt16BE(position + 2);
    found.set(bytes.readUInt16BE(position), bytes.subarray(position + 4, position + 4 + length));
    position += 4 + length;
  }
  return found;
}

/** RFC 5246 7.4.1.2 and RFC 8446 4.1.2. */
function clientHello({ version, ciphers }: Offer, serverName: string | undefined): Buffer {
  const legacy = Math.min(CODES[version], CODES["TLS 1.2"]);
  const body = Buffer.concat([
    u16(legacy),
    randomBytes(32),
    prefixed(1, version === "TLS 1.3" ? randomBytes(32) : Buffer.alloc(0)),
    prefixed(2, Buffer.concat(ciphers.map(u16))),
    Buffer.from([1, 0]), // no compression
    ...(version === "SSL 3.0" ? [] : [prefixed(2, Buffer.concat(extensions(version, serverName)))]),
  ]);
  const handshake = Buffer.concat([Buffer.from([1]), prefixed(3, body)]);
  return Buffer.concat([Buffer.from([HANDSHAKE]), u16(Math.min(legacy, CODES["TLS 1.0"])), prefixed(2, handshake)]);
}

/** X25519, P-256, P-384, P-521, and two finite fields (RFC 7919). */
const GROUPS = [0x001d, 0x0017, 0x0018, 0x0019, 0x0100, 0x0101];
/** ECDSA, RSA-PSS, EdDSA and RSA with SHA-2, and SHA-1 for what is old (RFC 8446 4.2.3). */
const SIGNATURES = [
  0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x080a, 0x080b, 0x0401, 0x0501, 0x0601,
  0x0203, 0x0201,
];

function extensions(version: TlsVersion, serverName: string | undefined): Buffer[] {
  const named = serverName
    ? [extension(0, prefixed(2, Buffer.concat([Buffer.from([0]), prefixed(2, Buffer.from(serverName))])))]
    : [];
  const shared = [
    ...named,
    extension(10, prefixed(2, Buffer.concat(GROUPS.map(u16)))),
    extension(11, Buffer.from([1, 0])), // uncompressed points
    extension(13, prefixed(2, Buffer.concat(SIGNATURES.map(u16)))),
    extension(0xff01, Buffer.from([0])), // secure renegotiation
  ];
  if (version !== "TLS 1.3") return shared;
  const keyShare = Buffer.concat([u16(0x001d), prefixed(2, randomBytes(32))]);
  return [
    ...shared,
    extension(SUPPORTED_VERSIONS, prefixed(1, u16(CODES[version]))),
    extension(51, prefixed(2, keyShare)),
  ];
}

const u16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
};

/** Bytes behind their own length, which takes so many bytes. */
function prefixed(lengthBytes: number, content: Buffer): Buffer {
  const length = Buffer.alloc(lengthBytes);
  length.writeUIntBE(content.length, 0, lengthBytes);
  return Buffer.concat([length, content]);
}

const extension = (type: number, content: Buffer): Buffer => Buffer.concat([u16(type), prefixed(2, content)]);
