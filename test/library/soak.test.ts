import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createMtlsFetch } from "../../action-lib/src";
import type { Nginx } from "../../cli/src/nginx";
import { credentialsOf } from "../app-builder/support/backends";
import { type Backend, startBackend } from "../support/backend";
import { SECOND_MS } from "../support/certificates";
import { nginxOfRelease, nginxUnderTest } from "../support/nginx";
import { destinationOf, startProxy, type TestProxy } from "../support/proxy";
import { until } from "../support/until";
import { CALLERS, type Callers, type Losses, type Round, startCallers, type Tally } from "./support/rounds";

const NO_LIMITS = {
  requestsPerSecondPerClient: 0,
  requestsPerSecondPerAddress: 0,
  concurrentRequestsPerClient: 0,
  concurrentRequestsPerAddress: 0,
};
const RELOADS = 30;
/** What a process' heap breathes when nothing is kept; a kept call would be a thousand bytes at least. */
const MOST_GROWTH_BYTES = 2_000_000;
/** Of both proxies. */
const CALLS = 100_000;

interface Place {
  nginx: () => Promise<Nginx>;
  /** At least. */
  calls: number;
}

/** The cloud's nginx keeps idle connections over a reload; older ones close them, which is what the repeat is for. */
const PLACES: Record<string, Place> = {
  "as in the cloud": { nginx: () => nginxOfRelease("sid"), calls: CALLS * 0.7 },
  "that closes idle connections when it reloads": { nginx: nginxUnderTest, calls: CALLS * 0.3 },
};

for (const [which, { nginx, calls }] of Object.entries(PLACES)) {
  describe(`fifty callers of a proxy ${which}`, function () {
    // On two free processors it takes two minutes; where it shares them with much else, a multiple.
    this.timeout(900 * SECOND_MS);
    let backend: Backend;
    let proxy: TestProxy;
    let callers: Callers;
    const tallies: Tally[] = [];

    const run = async (round: Round): Promise<void> => {
      const tally = await callers.run(round);
      tallies.push(tally);
      assertNothingLost(tally);
    };
    const done = () => tallies.reduce((sum, tally) => sum + tally.calls, 0);

    before(async () => {
      backend = await startBackend({
        respond: (request, response) => {
          request.resume();
          response.end(request.url);
        },
      });
      proxy = await startProxy({ destinations: [destinationOf(backend)], limits: NO_LIMITS }, await nginx());
      callers = startCallers(credentialsOf(proxy));
      await run({ calls: 5_000 });
    });
    after(async () => {
      await callers[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
      await backend[Symbol.asyncDispose]();
    });

    it(`lose nothing that may be repeated in ${RELOADS} reloads, a second apart`, async () => {
      let reloading = true;
      const reloads = reload(proxy, RELOADS).finally(() => {
        reloading = false;
      });
      while (reloading) await run({ calls: 1_000 });
      await reloads;
    });

    it("lose nothing that may be repeated after idle times around a short timeout", async () => {
      await shortenKeepalive(proxy, { announced: 2, kept: 3 });
      for (let round = 0; round < 3; round++) {
        await run({ calls: 500, idle: { callers: CALLERS, ms: [0.9 * SECOND_MS, 1.2 * SECOND_MS] } });
        await run({ calls: 500, idle: { callers: CALLERS, ms: [1.8 * SECOND_MS, 3.2 * SECOND_MS] } });
      }
      await proxy.change({});
    });

    it("lose nothing that may be repeated after idle times around the true ones, 60 and 75 s", async () => {
      await run({ calls: 1_000 });
      const left = Math.max(1_000, calls - done());
      await run({ calls: left, idle: { callers: CALLERS / 2, ms: [58 * SECOND_MS, 76 * SECOND_MS] } });
    });

    it(`leave nothing behind in over ${calls} calls`, async () => {
      while (done() <= calls) await run({ calls: 1_000 });
      report(tallies);
      const [first, ...later] = tallies.map(({ left }) => left);
      const last = later.at(-1);
      assert.ok(first && last);
      assert.ok(
        last.heapBytes < first.heapBytes + MOST_GROWTH_BYTES,
        `${first.heapBytes} bytes, then ${last.heapBytes}`,
      );
      for (const { connections, mostListeners, timers } of later) {
        assert.ok(connections <= CALLERS, `${connections} connections for ${CALLERS} callers`);
        assert.ok(mostListeners <= first.mostListeners, `${mostListeners} listeners, ${first.mostListeners} at first`);
        assert.ok(timers <= first.timers, `${timers} timers, ${first.timers} at first`);
      }
    });
  });
}

/** Each reload brings other files, as a change of the settings does. */
async function reload(proxy: TestProxy, times: number): Promise<void> {
  for (let time = 1; time <= times; time++) {
    await Promise.all([pause(SECOND_MS), proxy.change({ limits: { ...NO_LIMITS, bodyMegabytes: 100 + time } })]);
  }
}

function assertNothingLost({ losses }: Tally): void {
  const { POST, ...others } = losses;
  assert.deepEqual(others, {});
  assert.deepEqual(
    Object.keys(POST ?? {}).filter((reason) => reason !== "ERR_MTLS_CONNECTION_LOST"),
    [],
  );
}

/** Seconds. Nothing else is changed; a caller who was told 60 and 75 would make the test wait for them. */
async function shortenKeepalive(proxy: TestProxy, { announced, kept }: { announced: number; kept: number }) {
  const file = join(dirname(dirname(proxy.local.logFile)), "current/requests.conf");
  const text = await readFile(file, "utf8");
  await writeFile(
    file,
    text
      .replace(/^keepalive_timeout .*$/m, `keepalive_timeout ${kept}s ${announced}s;`)
      .replace(/^keepalive_min_timeout .*$/m, `keepalive_min_timeout ${announced}s;`),
  );
  proxy.local.nginx.reload();
  const fetch = createMtlsFetch(credentialsOf(proxy));
  await until(async () => {
    const response = await fetch("/");
    await response.text();
    return response.headers.get("keep-alive") === `timeout=${announced}`;
  }, 10 * SECOND_MS);
}

function report(tallies: Tally[]): void {
  const lost = tallies.reduce((sum, { losses }) => sum + total(losses.POST), 0);
  const calls = tallies.reduce((sum, tally) => sum + tally.calls, 0);
  const heaps = tallies.map(({ left }) => (left.heapBytes / 1e6).toFixed(2));
  process.stderr.write(
    `    ${calls} calls, ${calls / 5} POSTs of which ${lost} lost; heap in MB: ${heaps.join(" ")}\n`,
  );
}

const total = (outcomes: Losses[string] = {}): number => Object.values(outcomes).reduce((sum, count) => sum + count, 0);
