import assert from "node:assert/strict";
import { connect } from "node:net";
import { PROBE_CLIENT, STATUS_PATH } from "@app-builder-mtls/proxy";
import type { Issued } from "../../cli/src/certificates";
import { startBackend } from "../support/backend";
import { issueCa, issueClient } from "../support/certificates";
import { destinationOf, startProxy, type TestProxy } from "../support/proxy";
import { type RawAnswer, RawConnection, type TlsVersion } from "../support/rawClient";
import { until } from "../support/until";

const REQUEST = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
/** Loopback is a whole network: a caller of a test comes from wherever it likes. */
const LISTED = "127.0.0.9";
const NEIGHBOUR = "127.0.0.10";
const REGIONS = { emea: [`${LISTED}/32`], amer: ["198.51.100.0/24"] };

/** A connection from an address of one's choice. */
const connectFrom = (address: string, proxy: TestProxy, client?: Issued, version?: TlsVersion) =>
  RawConnection.open(proxy, client, {
    socket: connect({ host: "127.0.0.1", port: proxy.port, localAddress: address }),
    ...(version && { minVersion: version, maxVersion: version }),
  });

async function askFrom(
  address: string,
  proxy: TestProxy,
  { client, version, request = REQUEST }: { client?: Issued; version?: TlsVersion; request?: string } = {},
): Promise<RawAnswer | undefined> {
  await using connection = await connectFrom(address, proxy, client, version);
  return await connection.ask(request);
}

function assertNotListed(answer: RawAnswer | undefined): void {
  assert.equal(answer?.status, 403);
  assert.equal(answer.headers["x-mtls-proxy-error"], "address_not_listed");
  assert.deepEqual(JSON.parse(answer.body.toString()), {
    error: "address_not_listed",
    message: "Calls from this address are not let in: see ingress in the settings.",
  });
}

describe("ingress", function () {
  this.timeout(60_000);
  let backend: Awaited<ReturnType<typeof startBackend>>;

  before(async () => {
    backend = await startBackend();
  });
  after(() => backend[Symbol.asyncDispose]());
  beforeEach(() => {
    backend.seen.length = 0;
  });

  const proxyWith = (ingress: Record<string, unknown>) =>
    startProxy({ destinations: [destinationOf(backend)], ingress });

  it("lets calls in from everywhere when nothing is set", async () => {
    await using proxy = await startProxy({ destinations: [destinationOf(backend)] });
    assert.equal((await askFrom(NEIGHBOUR, proxy, { client: proxy.client }))?.status, 200);
  });

  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    it(`lets calls in from a listed address, and refuses its neighbour, in ${version}`, async () => {
      await using proxy = await proxyWith({ ipList: { regions: REGIONS } });
      assert.equal((await askFrom(LISTED, proxy, { client: proxy.client, version }))?.status, 200);
      assertNotListed(await askFrom(NEIGHBOUR, proxy, { client: proxy.client, version }));
      assert.equal(backend.seen.length, 1);
    });
  }

  it("lets calls in from the chosen regions and the stack's own addresses alone", async () => {
    await using proxy = await proxyWith({ ipList: { regions: REGIONS }, regions: ["amer"], addresses: [NEIGHBOUR] });
    assertNotListed(await askFrom(LISTED, proxy, { client: proxy.client }));
    assert.equal((await askFrom(NEIGHBOUR, proxy, { client: proxy.client }))?.status, 200);
  });

  it("refuses an address before it looks at the certificate, and tells nothing of that", async () => {
    await using proxy = await proxyWith({ ipList: { regions: REGIONS } });
    const unlisted = await issueClient(proxy.ca, { name: "stranger" });
    for (const client of [undefined, unlisted, await issueClient(await issueCa())])
      assertNotListed(await askFrom(NEIGHBOUR, proxy, client ? { client } : {}));
    const status = `GET ${STATUS_PATH} HTTP/1.1\r\nHost: x\r\n\r\n`;
    assertNotListed(await askFrom(NEIGHBOUR, proxy, { client: proxy.client, request: status }));
  });

  it("takes a listed address for no identity: it needs its certificate all the same", async () => {
    await using proxy = await proxyWith({ ipList: { regions: REGIONS } });
    const answer = await askFrom(LISTED, proxy);
    assert.equal(answer?.headers["x-mtls-proxy-error"], "client_certificate_required");
  });

  it("lets the machine ask itself, whatever is listed", async () => {
    await using proxy = await proxyWith({ ipList: { regions: { emea: ["198.51.100.7"] } } });
    const probe = await issueClient(proxy.ca, { name: PROBE_CLIENT });
    const request = `GET ${STATUS_PATH} HTTP/1.1\r\nHost: x\r\n\r\n`;
    assert.equal((await askFrom("127.0.0.1", proxy, { client: probe, request }))?.status, 200);
    assertNotListed(await askFrom(NEIGHBOUR, proxy, { client: probe, request }));
  });

  it("holds more addresses than a security group has rules", async () => {
    const amer = Array.from(
      { length: 1_000 },
      (_, index) => `198.18.${Math.floor(index / 100)}.${(index % 100) * 2}/32`,
    );
    await using proxy = await proxyWith({ ipList: { regions: { ...REGIONS, amer } } });
    assert.equal((await askFrom(LISTED, proxy, { client: proxy.client }))?.status, 200);
    assertNotListed(await askFrom(NEIGHBOUR, proxy, { client: proxy.client }));
  });

  it("may list this machine itself without a warning from nginx", async () => {
    await using proxy = await proxyWith({ addresses: ["127.0.0.1", LISTED] });
    assert.equal((await askFrom(LISTED, proxy, { client: proxy.client }))?.status, 200);
    assert.doesNotMatch(await proxy.logs(), /duplicate network/);
  });

  it("takes an address out by a change of settings, and leaves a kept connection of one that stays", async () => {
    await using proxy = await proxyWith({ addresses: [LISTED, NEIGHBOUR] });
    await using staying = await connectFrom(LISTED, proxy, proxy.client);
    assert.equal((await staying.ask(REQUEST))?.status, 200);
    await proxy.change({ ingress: { addresses: [LISTED] } });
    await until(async () => (await askFrom(NEIGHBOUR, proxy, { client: proxy.client }))?.status === 403, 20_000);
    assert.equal((await askFrom(LISTED, proxy, { client: proxy.client }))?.status, 200);
    if (!staying.isClosed) assert.ok([200, undefined].includes((await staying.ask(REQUEST))?.status));
  });

  it("writes the code and the address into the access log", async () => {
    await using proxy = await proxyWith({ ipList: { regions: REGIONS } });
    await askFrom(NEIGHBOUR, proxy, { client: proxy.client });
    let line: string | undefined;
    await until(async () => {
      line = (await proxy.accessLog()).split("\n").find((one) => one.includes("address_not_listed"));
      return line !== undefined;
    }, 20_000);
    const { address, status, error } = JSON.parse(line ?? "{}");
    assert.deepEqual({ address, status, error }, { address: NEIGHBOUR, status: 403, error: "address_not_listed" });
  });
});
