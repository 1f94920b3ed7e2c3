/** Measures what a fleet's work costs in processor time of nginx, for one, two and three machines, and writes it into measured.json and the page. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { type Cluster, startCluster } from "../cluster/support/cluster";
import type { Orders, Work } from "../cluster/support/loads";
import { addressOf } from "../cluster/support/network";
import { nginxOfRelease } from "../support/nginx";
import { type Helper, startInside } from "../support/orders";
import type { Measured, MeasuredFleet, Spread } from "./formulas";
import { PAGE, withBlocks } from "./page";
import { processorTime } from "./processorTime";

const MEASURED = join(__dirname, "measured.json");
const ROUNDS = 5;
const FLEETS = [1, 2, 3];
/** Under way at once for each machine, so that each is as busy whatever their number. */
const WIDTH = 12;
const COUNTS = { requests: 1_500, connections: 250, mebibytes: 60 };
/** Work of all kinds at once, whose cost the formulas have to foretell. */
const MIX = { requests: 1_000, again: 100, mebibytes: 20 };

async function measure(): Promise<Measured> {
  const nginx = await nginxOfRelease("sid");
  await using cluster = await startCluster(3, nginx);
  const loads = await startInside<Orders>(cluster.network.outside, join(__dirname, "../cluster/support/loads.ts"));
  try {
    await cluster.publish();
    await Promise.all(FLEETS.map((number) => cluster.join(number)));
    const fleets: Record<string, MeasuredFleet> = {};
    for (const size of FLEETS.toReversed()) {
      for (const gone of FLEETS.filter((number) => number > size)) await cluster.balancer.deregister(gone);
      await loads.order("open", { credentials: cluster.credentials, connections: WIDTH * size });
      await round(cluster, loads, size); // the first is warmer than none
      const rounds = [];
      for (let number = 0; number < ROUNDS; number++) rounds.push(await round(cluster, loads, size));
      fleets[size] = summary(rounds);
      console.error(`    ${size} measured`);
    }
    return {
      date: new Date().toISOString().slice(0, 10),
      processor: cpus()[0]?.model ?? "",
      processors: cpus().length,
      nginx: nginx.version,
      openssl: opensslOf([nginx.command, ...nginx.leadingArguments]),
      rounds: ROUNDS,
      mix: MIX,
      fleets,
    };
  } finally {
    await loads.stop();
  }
}

type Round = Record<keyof MeasuredFleet, number>;

async function round(cluster: Cluster, loads: Helper<Orders>, size: number): Promise<Round> {
  const numbers = FLEETS.slice(0, size);
  const machines = numbers.map(addressOf);
  const times = () => numbers.map((number) => processorTime(cluster.machine(number).nginx.pid ?? 0));
  /** Microseconds of all machines, the busiest machine's share of it, and how many sessions were resumed. */
  const cost = async (work: Work) => {
    const before = times();
    const resumptions = await loads.order("do", work);
    const each = times().map((time, index) => time - (before[index] ?? 0));
    const total = each.reduce((sum, time) => sum + time);
    return { total, busiest: (Math.max(...each) / total) * size, resumptions };
  };
  const { requests, connections, mebibytes } = COUNTS;
  const request = (await cost({ requests })).total / requests;
  const full = await cost({ full: connections });
  const resumed = await cost({ resumed: { count: connections, machines } });
  if (full.resumptions !== 0 || resumed.resumptions !== connections)
    throw new Error(`resumed ${full.resumptions} of none and ${resumed.resumptions} of ${connections}`);
  const mebibyte = (await cost({ mebibytes })).total / mebibytes;
  const mix = await cost(MIX);
  return {
    request,
    fullHandshake: full.total / connections - request,
    // each machine gave its first session by a full handshake
    resumedHandshake: (resumed.total - size * (full.total / connections)) / connections - request,
    mebibyte: mebibyte - request,
    mix: mix.total,
    resumedShare: mix.resumptions / MIX.again,
    busiest: mix.busiest,
  };
}

function summary(rounds: Round[]): MeasuredFleet {
  const of = (name: keyof Round): Spread => {
    const values = rounds.map((one) => one[name]).sort((one, other) => one - other);
    const at = (index: number) => Number((values.at(index) ?? 0).toPrecision(4));
    return { median: at(Math.floor(values.length / 2)), least: at(0), most: at(-1) };
  };
  return {
    request: of("request"),
    fullHandshake: of("fullHandshake"),
    resumedHandshake: of("resumedHandshake"),
    mebibyte: of("mebibyte"),
    mix: of("mix"),
    resumedShare: of("resumedShare"),
    busiest: of("busiest"),
  };
}

function opensslOf([command = "", ...leadingArguments]: string[]): string {
  const said = execFileSync("sh", ["-c", '"$@" -V 2>&1', "sh", command, ...leadingArguments], { encoding: "utf8" });
  return /OpenSSL ([\w.]+)/.exec(said)?.[1] ?? "";
}

async function main(): Promise<void> {
  const measured = await measure();
  writeFileSync(MEASURED, `${JSON.stringify(measured, null, 2)}\n`);
  writeFileSync(PAGE, withBlocks(readFileSync(PAGE, "utf8"), measured));
}

void main();
