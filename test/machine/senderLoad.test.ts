import assert from "node:assert/strict";
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { until } from "../support/until";
import { ask, startMachine } from "./support/machine";
import { LOG_GROUP, reporting, superviseSender } from "./support/sender";

const LINES_A_SECOND = 1_000;
const SECONDS = 60;
/** Of one processor; ten times what it takes, because the machine that tests may be slow and busy. */
const MOST_PERCENT = 10;
/** Of Linux' clock in /proc, which has been the same on every processor for decades (proc(5), sysconf(_SC_CLK_TCK)). */
const TICKS_A_SECOND = 100;
const SENT_MS = 120_000;
const UNIT = join(__dirname, "../../proxy/machine/files/mtls-proxy-telemetry.service");

describe("the sender under load", function () {
  this.timeout(400_000);

  it("sends 1,000 lines a second for a minute, all of them, within the memory that its unit gives it", async () => {
    await using machine = await startMachine();
    machine.aws.cloudWatch.groups.set(LOG_GROUP, new Map());
    await machine.follow(reporting(machine));
    const log = join(machine.run, "logs/access.log");
    await ask(machine.port, "/path/to/resource", machine.stack.ca, await machine.stack.client("app-builder"));
    await using sender = superviseSender(machine);
    const lines = () => machine.aws.cloudWatch.lines(LOG_GROUP);
    await until(() => lines().some((line) => line.includes('"/path/to/resource"')), SENT_MS);
    const [sent, line] = [lines().length, lines().find((one) => one.includes('"/path/to/resource"')) ?? ""];
    const pid = sender.pid ?? assert.fail("the sender runs");

    const [from, before] = [Date.now(), processorSeconds(pid)];
    for (let second = 1; second <= SECONDS; second++) {
      const time = new Date().toISOString().replace(/\.\d+Z/, "+00:00");
      appendFileSync(log, `${line.replace(/"time":"[^"]*"/, `"time":"${time}"`)}\n`.repeat(LINES_A_SECOND));
      await pause(Math.max(0, from + second * 1_000 - Date.now()));
    }
    await until(() => copies(lines().slice(sent)) >= LINES_A_SECOND * SECONDS, SENT_MS);
    const seconds = (Date.now() - from) / 1_000;
    const percent = (100 * (processorSeconds(pid) - before)) / seconds;
    const megabytes = mostMemory(pid) / 1_000_000;
    console.log(
      `      ${LINES_A_SECOND * SECONDS} lines of ${Buffer.byteLength(line) + 1} bytes in ${seconds.toFixed(0)} s: ` +
        `${percent.toFixed(1)} % of a processor, ${megabytes.toFixed(0)} MB at most`,
    );
    assert.equal(copies(lines().slice(sent)), LINES_A_SECOND * SECONDS);
    assert.ok(megabytes < memoryMax(), `${megabytes} MB`);
    assert.ok(percent < MOST_PERCENT, `${percent} % of a processor`);
    assert.equal(sender.starts, 1);
    assert.deepEqual(sender.journal, [{ outcome: "sending" }]);
  });
});

const copies = (lines: string[]): number => lines.filter((line) => line.includes('"/path/to/resource"')).length;

/** What it has used of processors since its start, for itself and in the kernel. */
function processorSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const [user = 0, system = 0] = stat.slice(stat.lastIndexOf(")")).split(" ").slice(12, 14).map(Number);
  return (user + system) / TICKS_A_SECOND;
}

/** The most memory that it has held since its start, in bytes. */
const mostMemory = (pid: number): number =>
  Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1_024;

/** In MB. */
const memoryMax = (): number => Number(/^MemoryMax=(\d+)M$/m.exec(readFileSync(UNIT, "utf8"))?.[1]) * 1.048_576;
