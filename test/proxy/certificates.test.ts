import assert from "node:assert/strict";
import { caProfile, clientProfile, parseSettings } from "@app-builder-mtls/proxy";
import { type Issued, issue } from "../../cli/src/certificates";
import { type RecordingBackend, startBackend } from "../support/backend";
import { DAY_MS, fromNow, issueCa, issueClient, SECOND_MS } from "../support/certificates";
import { destinationOf, startProxy, type TestProxy } from "../support/proxy";
import { get, RawConnection, type TlsVersion } from "../support/rawClient";
import { until } from "../support/until";

const VERSIONS: TlsVersion[] = ["TLSv1.2", "TLSv1.3"];
const only = (version: TlsVersion) => ({ minVersion: version, maxVersion: version });

interface Wrong {
  what: string;
  code: string;
  client: (proxy: TestProxy) => Promise<Issued | undefined>;
}

const settings = parseSettings({ destinations: [{ url: "https://api.example.com" }] });

const WRONG: Wrong[] = [
  { what: "no certificate", code: "client_certificate_required", client: async () => undefined },
  {
    what: "a certificate of a foreign CA",
    code: "client_certificate_rejected",
    client: async () => issueClient(await issueCa()),
  },
  {
    what: "a self-signed certificate with the CA's own name",
    code: "client_certificate_rejected",
    client: async () =>
      issue({
        ...clientProfile(settings, { name: "app-builder", generation: 1 }),
        subject: caProfile(settings).subject,
      }),
  },
  {
    what: "a self-signed certificate with the client's name",
    code: "client_certificate_rejected",
    client: async () => issue(clientProfile(settings, { name: "app-builder", generation: 1 })),
  },
  {
    what: "an expired certificate",
    code: "client_certificate_expired",
    client: ({ ca }) => issueClient(ca, { notBefore: fromNow(-3 * DAY_MS), notAfter: fromNow(-SECOND_MS) }),
  },
  {
    what: "a certificate that ends within the day",
    code: "client_certificate_expired",
    client: ({ ca }) => issueClient(ca, { notAfter: fromNow(DAY_MS / 2) }),
  },
  {
    what: "a certificate that is not yet valid",
    code: "client_certificate_rejected",
    client: ({ ca }) => issueClient(ca, { notBefore: fromNow(DAY_MS), notAfter: fromNow(9 * DAY_MS) }),
  },
  {
    what: "a certificate for servers alone",
    code: "client_certificate_rejected",
    client: ({ ca }) => issueClient(ca, { profile: { usages: ["digital_signature", "server_auth"] } }),
  },
  {
    what: "an unlisted client's certificate",
    code: "client_not_listed",
    client: ({ ca }) => issueClient(ca, { name: "partner-x" }),
  },
  {
    what: "a listed client's name in other letters",
    code: "client_not_listed",
    client: ({ ca }) => issueClient(ca, { name: "App-Builder" }),
  },
  {
    what: "a certificate of an old generation",
    code: "client_not_listed",
    client: ({ ca }) => issueClient(ca, { generation: 1 }),
  },
  {
    what: "a certificate of a generation to come",
    code: "client_not_listed",
    client: ({ ca }) => issueClient(ca, { generation: 3 }),
  },
  {
    what: "the server's own certificate",
    code: "client_certificate_rejected",
    client: async ({ certificates }) => certificates.server,
  },
  { what: "the CA's certificate", code: "client_certificate_rejected", client: async ({ ca }) => ca },
];

describe("who gets in", function () {
  this.timeout(60_000);
  let backend: RecordingBackend;
  let proxy: TestProxy;

  before(async () => {
    backend = await startBackend();
    proxy = await startProxy({
      destinations: [destinationOf(backend)],
      clients: [{ name: "app-builder", generation: 2 }],
    });
  });
  after(async () => {
    await proxy[Symbol.asyncDispose]();
    await backend[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    backend.seen.length = 0;
  });

  for (const version of VERSIONS) {
    for (const { what, code, client } of WRONG) {
      it(`refuses ${what} over ${version}, fresh, kept alive and resumed`, async () => {
        const certificate = await client(proxy);
        const session = await refusedTwice(certificate, code, version);
        await using resumed = await RawConnection.open(proxy, certificate, { ...only(version), session });
        await assertRefused(resumed, code);
        assert.deepEqual(backend.seen, []);
      });
    }

    it(`lets the right client in over ${version}, fresh, kept alive and resumed`, async () => {
      await using fresh = await RawConnection.open(proxy, proxy.client, only(version));
      for (const path of ["/fresh", "/kept-alive"]) assert.equal((await fresh.ask(get(path)))?.status, 200);
      await using resumed = await RawConnection.open(proxy, proxy.client, {
        ...only(version),
        session: fresh.resumable,
      });
      assert.equal((await resumed.ask(get("/resumed")))?.status, 200);
      assert.ok(resumed.socket.isSessionReused(), "the session was resumed");
      assert.deepEqual(
        backend.seen.map(({ url, headers }) => [url, headers["x-mtls-client"]]),
        ["/fresh", "/kept-alive", "/resumed"].map((url) => [url, "app-builder"]),
      );
    });

    it(`shuts out a certificate that expires while its ${version} connection is open, and its sessions with it`, async () => {
      const expiring = await issueClient(proxy.ca, { generation: 2, notAfter: fromNow(DAY_MS + 2 * SECOND_MS) });
      await using open = await RawConnection.open(proxy, expiring, only(version));
      assert.equal((await open.ask(get("/before")))?.status, 200);
      const session = open.resumable;
      await until(async () => (await open.ask(get("/during")))?.status === 403, 5 * SECOND_MS);
      await using resumed = await RawConnection.open(proxy, expiring, { ...only(version), session });
      assert.ok(resumed.socket.isSessionReused(), "the session was resumed");
      await assertRefused(resumed, "client_certificate_expired");
    });

    it(`shuts out a client on its open ${version} connection once it is no longer listed`, async () => {
      await using own = await startProxy({
        destinations: [destinationOf(backend)],
        clients: [{ name: "app-builder" }, { name: "partner-x" }],
      });
      const partner = own.certificates.clients["partner-x"];
      await using open = await RawConnection.open(own, partner, only(version));
      assert.equal((await open.ask(get("/listed")))?.status, 200);
      const session = open.resumable;
      await own.change({ clients: [{ name: "app-builder" }] });
      const resume = () => RawConnection.open(own, partner, { ...only(version), session });
      // an old worker may accept once more, before it hears of the reload
      await until(async () => {
        await using early = await resume();
        return (await early.ask(get("/early")))?.status === 403;
      }, 5 * SECOND_MS);
      await using resumed = await resume();
      await assertRefused(resumed, "client_not_listed");
    });
  }

  async function refusedTwice(
    certificate: Issued | undefined,
    code: string,
    version: TlsVersion,
  ): Promise<Buffer | undefined> {
    await using connection = await RawConnection.open(proxy, certificate, only(version));
    await assertRefused(connection, code);
    const second = await connection.ask(get("/kept-alive"));
    if (second) assert.equal(second.headers["x-mtls-proxy-error"], code);
    return connection.resumable;
  }
});

async function assertRefused(connection: RawConnection, code: string): Promise<void> {
  const answer = await connection.ask(get("/secret?key=1"));
  assert.ok(answer, "refusals are answered");
  assert.equal(answer.status, 403);
  assert.equal(answer.headers["x-mtls-proxy-error"], code);
  assert.equal(JSON.parse(answer.body.toString()).error, code);
  assert.equal(answer.headers["content-type"], "application/json");
}
