import assert from "node:assert/strict";
import { get, type RawAnswer, RawConnection, type TlsVersion } from "../support/rawClient";
import { until } from "../support/until";
import { failuresDuring } from "./failuresDuring";
import { callAs, type Deployment, DOWNLOAD, identityOf, placeOf, type Scene, setScene } from "./scene";
import type { Changes } from "./stack";

interface Step {
  /** Continues the test's name. */
  what: string;
  settings: { ca?: object; clients?: object[] };
  changes: Changes;
  /** The deployment that calls while the bundle changes, and goes on: 0 is the one before the first step, 1 the one after it. */
  goesOn?: number;
  /** The deployments that are refused from now on, and with which code. */
  out?: { deployments: number[]; code: "client_certificate_rejected" | "client_not_listed" };
}

const certificate = (what: string, op: string): Changes => ({
  [`tls:index/locallySignedCert:LocallySignedCert mtls-proxy-${what}`]: op,
});
const identity = (what: string, op: string): Changes => ({
  ...certificate(what, op),
  [`tls:index/privateKey:PrivateKey mtls-proxy-${what}`]: op,
  [`tls:index/certRequest:CertRequest mtls-proxy-${what}`]: op,
});
const ca = (generation: number, op: string): Changes => ({
  [`tls:index/privateKey:PrivateKey mtls-proxy-ca-${generation}`]: op,
  [`tls:index/selfSignedCert:SelfSignedCert mtls-proxy-ca-${generation}`]: op,
});
const BUNDLE = { "aws:secretsmanager/secretVersion:SecretVersion mtls-proxy-bundle": "replace" };

/** What docs/rotation.md says of a transfer in progress, in milliseconds: nginx's worker_shutdown_timeout. */
const CUT_MS = 65_000;

const client = (settings: object) => [{ name: "app-builder", ...settings }];

/** Each begins with what the one before has left. */
const STEPS: Step[] = [
  {
    what: "a second CA is made: who trusts the first goes on, and the newest client is of the second",
    settings: { ca: { generation: 2 } },
    changes: {
      ...ca(2, "create"),
      ...certificate("probe", "replace"),
      ...certificate("client-app-builder-1", "replace"),
      ...BUNDLE,
    },
    goesOn: 0,
  },
  {
    what: "the first CA is retired: who was deployed in between goes on",
    settings: { ca: { generation: 2, retire: 1 } },
    changes: { ...ca(1, "delete"), ...certificate("server", "replace"), ...BUNDLE },
    goesOn: 1,
    out: { deployments: [0], code: "client_certificate_rejected" },
  },
  {
    what: "a CA's key has leaked: nobody whom it signed gets in, from the first moment",
    settings: { ca: { generation: 3, retire: 2 } },
    changes: {
      ...ca(3, "create"),
      ...ca(2, "delete"),
      ...certificate("server", "replace"),
      ...certificate("probe", "replace"),
      ...certificate("client-app-builder-1", "replace"),
      ...BUNDLE,
    },
    out: { deployments: [1, 2], code: "client_certificate_rejected" },
  },
  {
    what: "a client's generation is raised and the one before accepted: both get in",
    settings: { ca: { generation: 3, retire: 2 }, clients: client({ generation: 2, accept: [1, 2] }) },
    changes: {
      ...identity("client-app-builder-1", "delete"),
      ...identity("client-app-builder-2", "create"),
      ...BUNDLE,
    },
    goesOn: 3,
  },
  {
    what: "the earlier generation is accepted no more: the newest goes on",
    settings: { ca: { generation: 3, retire: 2 }, clients: client({ generation: 2 }) },
    changes: BUNDLE,
    goesOn: 4,
    out: { deployments: [3], code: "client_not_listed" },
  },
  {
    what: "a client's key has leaked: every earlier generation is out",
    settings: { ca: { generation: 3, retire: 2 }, clients: client({ generation: 3 }) },
    changes: {
      ...identity("client-app-builder-2", "delete"),
      ...identity("client-app-builder-3", "create"),
      ...BUNDLE,
    },
    out: { deployments: [4, 5], code: "client_not_listed" },
  },
];

describe("while, step by step,", function () {
  this.timeout(240_000);
  let scene: Scene;
  const deployments: Deployment[] = [];
  const transfers: Transfer[] = [];
  const deployment = (number: number) => deployments[number] ?? assert.fail(`there is no deployment ${number}`);

  before(async () => {
    scene = await setScene();
    await scene.up({});
    await scene.serve(await scene.bundle());
    deployments.push(await scene.deploy());
  });
  after(() => scene?.[Symbol.asyncDispose]());

  it("nothing has happened yet: the first deployment gets in", async () => {
    assert.equal(await callAs(deployment(0)), 200);
  });

  for (const { what, settings, changes, goesOn, out } of STEPS) {
    it(what, async () => {
      assert.deepEqual(await scene.up(settings), changes);
      const bundle = await scene.bundle();
      const leaving = await Promise.all(
        (out?.deployments ?? []).flatMap((number) => VERSIONS.map((version) => enter(deployment(number), version))),
      );
      const callers = goesOn === undefined ? [] : [deployment(goesOn)];
      const transferring = await Promise.all(
        [...leaving.map((visitor) => visitor.deployment), ...callers].map(startTransfer),
      );
      const changed = Date.now();
      assert.deepEqual(await failuresDuring(() => scene.serve(bundle), callers), []);
      transfers.push(...transferring.map((connection) => ({ what, connection, changed })));

      const newest = await scene.deploy();
      deployments.push(newest);
      assert.equal(await callAs(newest), 200, "who is deployed now gets in");
      if (goesOn !== undefined) assert.equal(await callAs(deployment(goesOn)), 200, "who was deployed before goes on");
      for (const visitor of leaving) {
        await assertShutOut(visitor, newest.caCert, out?.code);
        await until(async () => (await callAs(visitor.deployment)) !== 200, 5_000); // kept connections are used up
        assert.ok([403, "ERR_MTLS_SERVER_FOREIGN_CA"].includes(await callAs(visitor.deployment)));
      }
    });
  }

  it("what was being transferred at a change went on for 65 seconds, whoever it was for, and was cut then", async () => {
    assert.ok(transfers.length > STEPS.length);
    for (const { what, connection, changed } of transfers) {
      await until(() => connection.isClosed, CUT_MS + 15_000);
      const lasted = connection.closedAt - changed;
      assert.ok(CUT_MS <= lasted && lasted < CUT_MS + 10_000, `${what}: ${lasted} ms`);
    }
  });
});

const VERSIONS: TlsVersion[] = ["TLSv1.2", "TLSv1.3"];

/** An answer that was coming when the bundle changed. */
interface Transfer {
  what: string;
  connection: RawConnection;
  changed: number;
}

async function startTransfer(deployment: Deployment): Promise<RawConnection> {
  const connection = await connectionOf(deployment);
  connection.send(get(DOWNLOAD));
  await until(() => connection.unread.includes("more"), 10_000);
  return connection;
}

/** Somebody who is in, with an open connection and a session to resume. */
interface Visitor {
  deployment: Deployment;
  version: TlsVersion;
  connection: RawConnection;
}

/** Whom a visitor takes for the proxy, and how they connect. */
interface Manner {
  /** CAs, PEM. Default: as they were deployed. */
  trusted?: string;
  version?: TlsVersion;
  session?: Buffer | undefined;
}

function connectionOf(deployment: Deployment, { trusted, version, session }: Manner = {}): Promise<RawConnection> {
  const { host, port } = placeOf(deployment);
  const options = {
    host,
    servername: "",
    ...(version && { minVersion: version, maxVersion: version }),
    ...(session && { session }),
  };
  return RawConnection.open({ port, ca: { cert: trusted ?? deployment.caCert } }, identityOf(deployment), options);
}

async function enter(deployment: Deployment, version: TlsVersion): Promise<Visitor> {
  const connection = await connectionOf(deployment, { version });
  assert.equal((await connection.ask(get("/products")))?.status, 200);
  await using again = await connectionOf(deployment, { version, session: connection.resumable });
  assert.equal((await again.ask(get("/products")))?.status, 200);
  assert.ok(again.socket.isSessionReused(), `${version}: a session that is good is resumed`);
  return { deployment, version, connection };
}

/** The open connection is served once more at most, by the worker that is leaving; neither a session nor a new connection gets in. */
async function assertShutOut({ deployment, version, connection }: Visitor, caCert: string, code?: string) {
  await connection.ask(get("/products"));
  await connection.closed();
  for (const session of [connection.resumable, undefined]) {
    let answer: RawAnswer | undefined;
    const isRefused = async () => {
      await using again = await connectionOf(deployment, { trusted: deployment.caCert + caCert, version, session });
      answer = await again.ask(get("/products"));
      return answer?.status === 403;
    };
    // an old worker may accept once more, before it hears of the reload
    await until(isRefused, 10_000).catch((cause) => assert.fail(`${JSON.stringify(answer)} ${answer?.body} ${cause}`));
    assert.deepEqual([answer?.status, answer?.headers["x-mtls-proxy-error"]], [403, code]);
  }
}
