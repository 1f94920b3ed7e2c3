import assert from "node:assert/strict";
import { readlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { nginxOfRelease } from "../support/nginx";
import { until } from "../support/until";
import type { Failure, Tally } from "./support/callers";
import { type Cluster, startCluster } from "./support/cluster";
import { addressOf } from "./support/network";

/** As many activations in one container; each has one call under way. */
const CALLERS = 40;
/** Between two looks at what happens, in calls. */
const CALLS = 1_000;
const LIMIT_MS = 120_000;
/** Calls of each method that the backend holds while a machine dies; a third of them goes through it. */
const HELD = 30;

const isPost = (path: string): boolean => path.startsWith("/held/POST-");
const isIdempotent = ({ method }: Failure): boolean => method !== "POST";

describe("a fleet of three machines behind a load balancer, under load through the library", function () {
  this.timeout(240_000);
  let cluster: Cluster;
  let loads: Tally[] = [];

  before(async () => {
    cluster = await startCluster(4, await nginxOfRelease("sid"));
    await cluster.publish();
    await Promise.all([1, 2, 3].map((number) => cluster.join(number)));
    await cluster.callers.order("start", { params: cluster.params, callers: CALLERS });
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  /** Calls go on: so many more have ended. */
  async function called(calls: number): Promise<void> {
    let done = 0;
    await until(async () => {
      const tally = await cluster.callers.order("tally", null);
      loads.push(tally);
      done += Object.values(tally.calls).reduce((sum, count) => sum + count, 0);
      return done >= calls;
    }, LIMIT_MS);
  }

  /** Every call that began before this has ended. */
  async function settled(): Promise<void> {
    const now = Date.now();
    await until(async () => (await cluster.callers.order("oldest", null)) > now, LIMIT_MS);
    await called(CALLS);
  }

  /** What has come to pass since the last look; no idempotent call may have failed. */
  function take(what: string): Failure[] {
    const calls: Record<string, number> = {};
    for (const load of loads)
      for (const [method, count] of Object.entries(load.calls)) calls[method] = (calls[method] ?? 0) + count;
    const failures = loads.flatMap((load) => load.failures);
    const slowest = Math.max(...loads.map((load) => load.slowest));
    loads = [];
    const posts = failures.filter((failure) => !isIdempotent(failure));
    console.log(`      ${what}: ${JSON.stringify(calls)}, POSTs lost: ${posts.length}, slowest: ${slowest} ms`);
    assert.deepEqual(failures.filter(isIdempotent), []);
    return posts;
  }

  const forwardedBy = async (number: number) =>
    (await cluster.outside.order("forwarded", null))[addressOf(number)] ?? 0;

  it("spreads callers over all three", async () => {
    await called(CALLS);
    for (const number of [1, 2, 3]) assert.ok((await forwardedBy(number)) > CALLS / 10, `machine ${number}`);
    assert.deepEqual(take("spread"), []);
  });

  it("takes another bundle, each machine in its own time, and loses nothing, a POST neither", async () => {
    const { version } = await cluster.publish({ bodyMegabytes: 3 });
    const serving = (number: number) => basename(readlinkSync(join(cluster.machine(number).run, "current")));
    await until(() => [1, 2, 3].every((number) => serving(number) === version), LIMIT_MS);
    await settled();
    for (const number of [1, 2, 3]) assert.ok(await cluster.balancer.isUp(number), `machine ${number} stays well`);
    assert.deepEqual(take("rolling change"), []);
  });

  it("loses a machine without a word: a POST that it held fails once and is not repeated; what may be repeated is", async () => {
    await cluster.callers.order("hold", { methods: ["POST", "GET"], count: HELD });
    const held = () => cluster.outside.order("held", null);
    await until(async () => Object.keys(await held()).length === 2 * HELD, LIMIT_MS);
    const before = await held();
    const taken = Object.keys(before).filter((path) => before[path]?.includes(addressOf(1)));
    const posts = taken.filter(isPost);
    for (const paths of [posts, taken.filter((path) => !isPost(path))]) assert.ok(paths.length > 0, taken.join());

    await cluster.machine(1).kill();
    await until(async () => !(await cluster.balancer.isUp(1)), LIMIT_MS);
    await settled();
    const ends = () => cluster.callers.order("holdings", null);
    const arrived = (path: string) => async () => ((await held())[path]?.length ?? 0) === 2;
    for (const path of taken) if (!isPost(path)) await until(arrived(path), LIMIT_MS);
    await cluster.outside.order("release", null);
    await until(async () => Object.keys(await ends()).length === 2 * HELD, LIMIT_MS);

    const after = await held();
    for (const [path, end] of Object.entries(await ends())) {
      const isLost = posts.includes(path);
      const isRepeated = taken.includes(path) && !isLost;
      assert.match(end, isLost ? /^ERR_MTLS_CONNECTION_LOST / : /^answered$/, path);
      assert.equal(after[path]?.length, isRepeated ? 2 : 1, `${path} reached the backend by ${after[path]}`);
    }
    console.log(
      `      held by the machine: ${posts.length} POSTs, lost; ${taken.length - posts.length} GETs, repeated`,
    );
    for (const { reason } of take("one machine killed")) assert.match(reason, /^ERR_MTLS_CONNECTION_LOST /);
  });

  it("gets another in its place, which is sent callers only when it serves", async () => {
    await cluster.join(4);
    await until(async () => (await forwardedBy(4)) > 0, LIMIT_MS);
    await called(CALLS);
    assert.deepEqual(take("one machine joined"), []);
  });

  it("lets one go in order, and loses nothing, a POST neither", async () => {
    await cluster.balancer.deregister(2);
    await cluster.outside.order("lifecycle", { machine: 2, state: "Terminated" });
    await until(async () => (await cluster.outside.order("completed", 2)).includes("draining"), LIMIT_MS);
    assert.equal(cluster.machine(2).nginx.pid, undefined);
    const served = await forwardedBy(2);
    await settled();
    assert.equal(await forwardedBy(2), served);
    assert.deepEqual(take("one machine gone in order"), []);
  });
});
