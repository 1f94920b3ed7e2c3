import assert from "node:assert/strict";
import { once } from "node:events";
import { type Agent, Agent as HttpsAgent, request } from "node:https";
import { setTimeout as pause } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import { connect } from "node:tls";
import type { Issued } from "../../cli/src/certificates";
import type { Nginx } from "../../cli/src/nginx";
import { startBackend } from "../support/backend";
import { nginxOfRelease } from "../support/nginx";
import { until } from "../support/until";
import { startLoad } from "./support/load";
import { ask, startMachine, type TestMachine } from "./support/machine";

const CHANGES = 30;
/** nginx's worker_shutdown_timeout, and a little for the machine that tests. */
const OUT_MS = 65_000 + 5_000;

for (const release of ["bookworm", "sid"]) {
  describe(`following the bundle under load with Debian ${release}'s nginx`, function () {
    this.timeout(900_000);
    let nginx: Nginx;
    before(async () => {
      nginx = await nginxOfRelease(release);
    });

    it("30 changes in a row fail no idempotent request, and on nginx 1.27.4 and later no POST either", async () => {
      await using backend = await startBackend();
      const destination = {
        name: "backend",
        url: backend.url,
        ca: backend.ca,
        path: "/api/",
        connectTimeoutSeconds: 60,
      };
      await using machine = await startMachine({ nginx, settings: { destinations: [destination] } });
      await machine.follow(machine.stack.bundle());
      const client = await machine.stack.client("app-builder");
      const load = startLoad({
        host: "127.0.0.1",
        port: machine.port,
        path: "/api/x",
        ca: machine.stack.ca.cert,
        client,
      });
      const from = Date.now();
      for (let change = 0; change < CHANGES; change++) {
        const line = await machine.follow(await changed(machine, destination, change));
        assert.deepEqual([line.outcome, line.problem], ["switched", undefined], JSON.stringify(line));
      }
      await load.stop();
      const posts = load.failures.filter(({ kind }) => kind === "kept POST");
      const others = load.failures.filter(({ kind }) => kind !== "kept POST");
      const seconds = (Date.now() - from) / 1_000;
      console.log(
        `      nginx ${nginx.version}: ${JSON.stringify(load.calls)} in ${seconds} s, POSTs failed: ${posts.length}`,
      );
      assert.deepEqual(others, []);
      if (release === "sid") assert.deepEqual(posts, []);
      assert.equal(machine.nginx.starts, 1);
    });

    it("a removed client is out: at once on new connections and resumed sessions, with the old workers on kept ones and downloads", async () => {
      await using backend = await startBackend({
        respond: async (incoming, response) => {
          if (!incoming.url?.includes("download")) return void response.end("short");
          while (!response.destroyed) {
            response.write("more\n");
            await pause(200);
          }
        },
      });
      const destination = {
        name: "backend",
        url: backend.url,
        ca: backend.ca,
        path: "/api/",
        readTimeoutSeconds: 3_600,
      };
      await using machine = await startMachine({ nginx, settings: { destinations: [destination] } });
      const both = { clients: [{ name: "app-builder" }, { name: "partner-x" }] };
      await machine.follow(machine.stack.bundle(both));
      const removed = await machine.stack.client("partner-x");
      const { ca } = machine.stack;
      assert.equal((await ask(machine.port, "/api/short", ca, removed)).status, 200);
      const session = await sessionOf(machine, removed);
      const agent = new HttpsAgent({ keepAlive: true, ca: ca.cert, ...removed });
      assert.equal(await over(agent, machine.port), 200);
      const download = await startDownload(machine, removed);

      const from = Date.now();
      assert.equal((await machine.follow(machine.stack.bundle())).outcome, "switched");
      assert.equal((await ask(machine.port, "/api/short", ca, removed)).status, 403, "a new connection");
      assert.match(await askResumed(machine, removed, session), /^HTTP\/1\.1 403 /, "a resumed session");
      const before = [await over(agent, machine.port), await over(agent, machine.port)];
      assert.equal(before[1], 403, `a kept connection is served once more at most: ${before}`);
      await until(() => download.ended, OUT_MS);
      console.log(
        `      nginx ${nginx.version}: kept connection ${before}, download cut after ${Date.now() - from} ms`,
      );
      agent.destroy();
    });
  });
}

/** Another destination, another client, another certificate, in turn. */
async function changed(machine: TestMachine, destination: object, change: number) {
  const second = { name: `second-${change}`, url: "https://localhost:9", path: "/second/" };
  if (change % 3 === 0) return machine.stack.bundle({ destinations: [destination, second] });
  if (change % 3 === 1)
    return machine.stack.bundle({ clients: [{ name: "app-builder" }, { name: `partner-${change}` }] });
  const { cert, key } = await machine.stack.issueServer();
  return machine.stack.bundle({}, { "server.crt": cert, "server.key": key });
}

/** The status of a request over a connection that is kept; a dead one is replaced, as the library does. */
async function over(agent: Agent, port: number): Promise<number> {
  const once = () =>
    new Promise<number>((resolve, reject) => {
      request({ host: "127.0.0.1", port, path: "/api/short", agent }, (response) => {
        response.resume().on("end", () => resolve(response.statusCode ?? 0));
      })
        .on("error", reject)
        .end();
    });
  return once().catch(once);
}

async function startDownload({ port, stack }: TestMachine, client: Issued) {
  const call = request({ host: "127.0.0.1", port, path: "/api/download", ca: stack.ca.cert, ...client, agent: false });
  const download = { ended: false };
  call.on("error", () => {
    download.ended = true;
  });
  call.end();
  const [response] = await once(call, "response");
  const end = () => {
    download.ended = true;
  };
  response.resume().on("end", end).on("error", end).on("close", end);
  return download;
}

function open({ port, stack }: TestMachine, client: Issued, session?: Buffer): TLSSocket {
  return connect({ host: "127.0.0.1", port, servername: "localhost", ca: stack.ca.cert, ...client, session });
}

async function sessionOf(machine: TestMachine, client: Issued): Promise<Buffer> {
  const socket = open(machine, client);
  const [session] = await once(socket, "session");
  socket.destroy();
  return session;
}

async function askResumed(machine: TestMachine, client: Issued, session: Buffer): Promise<string> {
  const socket = open(machine, client, session);
  await once(socket, "secureConnect");
  assert.ok(socket.isSessionReused(), "the session is resumed");
  socket.end("GET /api/short HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  const [answer] = await once(socket, "data");
  socket.destroy();
  return String(answer);
}
