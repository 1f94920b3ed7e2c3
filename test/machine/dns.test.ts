import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Issued } from "../../cli/src/certificates";
import { issueCa, issueServer } from "../support/certificates";
import { nginxOfRelease } from "../support/nginx";
import { until } from "../support/until";
import { type NameServer, RECORD_SECONDS, startNameServer } from "./support/dns";
import { ask, startMachine, type TestMachine } from "./support/machine";

/** A record's time, and some for a busy machine; far below nginx's own default of looking again. */
const FOLLOWED_MS = (RECORD_SECONDS + 10) * 1_000;

describe("destinations' names on nginx 1.30", function () {
  this.timeout(180_000);

  it("follows an address that changes within its record's time, without a reload", async () => {
    await using stage = await setStage();
    await stage.answers("/moving/", "127.0.0.2");
    const reloads = await stage.workers();
    stage.dns.names.set("moving.test", "127.0.0.3");
    await stage.answers("/moving/", "127.0.0.3");
    assert.equal(await stage.workers(), reloads);
  });

  it("a name that does not resolve takes down only itself: at boot, at a reload and later; and comes alive when it appears", async () => {
    await using stage = await setStage();
    await stage.answers("/moving/", "127.0.0.2");
    assert.match(await stage.body("/absent/"), /destination_unreachable/);
    await stage.change();
    await stage.answers("/moving/", "127.0.0.2");
    assert.match(await stage.body("/absent/"), /destination_unreachable/);
    await until(async () => {
      await stage.machine.sync();
      const { destinations } = await stage.machine.status();
      return destinations.find(({ name }) => name === "absent")?.health === "name";
    }, FOLLOWED_MS);
    stage.dns.names.set("absent.test", "127.0.0.3");
    await stage.answers("/absent/", "127.0.0.3");
    await stage.answers("/moving/", "127.0.0.2");
  });

  it("a dead resolver takes down nothing, across a reload too", async () => {
    await using stage = await setStage();
    await stage.answers("/moving/", "127.0.0.2");
    await stage.dns.stop();
    await stage.answersFor("/moving/", "127.0.0.2", 5 * RECORD_SECONDS);
    await stage.change();
    await stage.answersFor("/moving/", "127.0.0.2", 5 * RECORD_SECONDS);
  });

  it("a name that the resolver says is gone takes down only itself", async () => {
    await using stage = await setStage();
    stage.dns.names.set("absent.test", "127.0.0.3");
    await stage.answers("/absent/", "127.0.0.3");
    stage.dns.names.delete("absent.test");
    await until(async () => /destination_unreachable/.test(await stage.body("/absent/")), FOLLOWED_MS);
    await stage.answersFor("/moving/", "127.0.0.2", 3 * RECORD_SECONDS);
  });
});

interface Stage extends AsyncDisposable {
  machine: TestMachine;
  dns: NameServer;
  client: Issued;
  body(path: string): Promise<string>;
  answers(path: string, body: string): Promise<void>;
  /** The same answer for so many seconds. */
  answersFor(path: string, body: string, seconds: number): Promise<void>;
  /** Serves another bundle. */
  change(): Promise<void>;
  /** The ids of nginx's workers, which a reload replaces. */
  workers(): Promise<string>;
}

/** Two backends that say which address they have, a resolver that knows one of two names, and a proxy that asks it. */
async function setStage(): Promise<Stage> {
  const dns = await startNameServer();
  dns.names.set("moving.test", "127.0.0.2");
  const backendCa = await issueCa();
  const backends = await startBackends(await issueServer(backendCa, { names: ["moving.test", "absent.test"] }));
  const destination = (name: string) => ({
    name,
    url: `https://${name}.test:${backends.port}`,
    path: `/${name}/`,
    ca: backendCa.cert,
    connectTimeoutSeconds: 2,
  });
  const settings = { destinations: [destination("moving"), destination("absent")] };
  const machine = await startMachine({ nginx: await nginxOfRelease("sid"), settings });
  const target = { resolver: [`127.0.0.1:${dns.port}`] };
  const client = await machine.stack.client("app-builder");
  const line = await machine.follow(machine.stack.bundle({}, {}, target));
  assert.equal(line.outcome, "switched", JSON.stringify(line));
  const body = async (path: string) => (await ask(machine.port, path, machine.stack.ca, client)).body;
  return {
    machine,
    dns,
    client,
    body,
    answers: (path, wanted) => until(async () => (await body(path)) === wanted, FOLLOWED_MS),
    answersFor: (path, wanted, seconds) => {
      const end = Date.now() + seconds * 1_000;
      return until(async () => {
        assert.equal(await body(path), wanted);
        return Date.now() > end;
      }, FOLLOWED_MS * 2);
    },
    change: async () => {
      const changed = await machine.follow(machine.stack.bundle({ limits: { bodyMegabytes: 7 } }, {}, target));
      assert.equal(changed.outcome, "switched", JSON.stringify(changed));
    },
    workers: async () => childrenOf(machine.nginx.pid),
    [Symbol.asyncDispose]: async () => {
      await machine[Symbol.asyncDispose]();
      await backends.close();
      await dns.stop();
    },
  };
}

async function childrenOf(pid: number | undefined): Promise<string> {
  return readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
}

async function startBackends(certificate: Issued) {
  const make = (address: string) => createServer(certificate, (_, response) => void response.end(address));
  const [first, second] = [make("127.0.0.2"), make("127.0.0.3")];
  await once(first.listen(0, "127.0.0.2"), "listening");
  const { port } = first.address() as AddressInfo;
  await once(second.listen(port, "127.0.0.3"), "listening");
  const close = async () => {
    for (const server of [first, second]) {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    }
  };
  return { port, close };
}
