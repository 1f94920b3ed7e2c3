import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { nginxFiles } from "@app-builder-mtls/proxy";
import { EXAMPLES } from "../../proxy/test/support/examples";
import {
  busyProcessors,
  type Costs,
  type Fleet,
  foretoldMix,
  GIVEN,
  gigabits,
  limitsOf,
  logDollars,
  type Measured,
  machinesFor,
  savedBySharing,
  TYPES,
} from "../sizing/formulas";
import { PAGE, withBlocks } from "../sizing/page";

const measured: Measured = JSON.parse(readFileSync(join(__dirname, "../sizing/measured.json"), "utf8"));
const page = readFileSync(PAGE, "utf8");

/** Costs that are easily reckoned with, in microseconds. */
const COSTS: Costs = { request: 100, fullHandshake: 2_000, resumedHandshake: 1_000, mebibyte: 5_000 };
const LOAD = { requests: 1_000, newConnections: 100, mebibytes: 20, resumedShare: 0.5 };
const FLEET: Fleet = {
  type: TYPES.xlarge,
  targetCpuPercent: 50,
  zones: 2,
  natGateways: 2,
  answers: 0.1,
  destinations: 1,
  clients: 1,
};

describe("docs/sizing.md", () => {
  it("shows what was measured, and what follows from it", () => {
    const blocks = page.match(/<!-- measured: /g) ?? [];
    assert.equal(blocks.length, 5);
    assert.equal(withBlocks(page, measured), page);
  });

  it("refuses a block that nobody measures", () => {
    assert.throws(() => withBlocks("<!-- measured: moon -->\n<!-- end -->", measured), /a block moon/);
  });

  it("names all that limits a fleet, and what AWS and nginx give of it", () => {
    for (const { name, given } of limitsOf(LOAD, COSTS, { ...FLEET, natGateways: 1 }))
      assert.match(page, new RegExp(`\\| ${name} \\| [^|]*${given.toLocaleString("en")}\\b`));
  });

  it("reckons with nginx's connections as they are configured", () => {
    for (const { settings, target } of Object.values(EXAMPLES)) {
      const rendered = nginxFiles(settings, target)["nginx.conf"] ?? "";
      assert.ok(rendered.includes(`worker_connections ${GIVEN.workerConnections};`));
    }
  });

  it("reckons with the log's bytes as the costs' page does", () => {
    const operations = readFileSync(join(__dirname, "../../docs/operations.md"), "utf8");
    const [, , dollars] = /a million requests: ([\d.]+) GB of log at [\d.]+ \| ([\d.]+)/.exec(operations) ?? [];
    assert.equal(logDollars({ requests: 1_000_000 / (730 * 3_600) }).toFixed(2), dollars);
  });
});

describe("a fleet's size", () => {
  for (const size of ["2", "3"]) {
    it(`is foretold by one machine's costs within what the page says, for ${size} machines`, () => {
      const percent = Number(/within (\d+) %/.exec(page)?.[1]);
      const ratio = foretoldMix(measured, size) / (measured.fleets[size]?.mix.median ?? 0);
      assert.ok(Math.abs(ratio - 1) * 100 <= percent, `${ratio}`);
    });
  }

  it("grows with requests, connections and payload", () => {
    assert.equal(busyProcessors(LOAD, COSTS), 0.1 + 0.15 + 0.1);
    assert.equal(gigabits({ mebibytes: 1_000 }).toFixed(3), "8.389");
  });

  it("is two machines at least, and else what processors or network ask for", () => {
    const requests = (count: number) => ({ ...LOAD, requests: count, newConnections: 0, mebibytes: 0 });
    assert.equal(machinesFor(requests(1), COSTS, FLEET), 2);
    assert.equal(machinesFor(requests(100_000), COSTS, FLEET), 5);
    assert.equal(machinesFor(requests(10_000), COSTS, { ...FLEET, type: TYPES.micro }), 5);
    assert.equal(machinesFor({ ...requests(1), mebibytes: 1_000 }, COSTS, FLEET), 5);
  });

  it("meets first what is scarcest", () => {
    assert.equal(limitsOf(LOAD, COSTS, FLEET)[0]?.name, "vCPU quota");
    assert.equal(limitsOf({ ...LOAD, requests: 10_000 }, COSTS, FLEET)[0]?.name, "our own limits");
    const patient = { ...FLEET, answers: 60, clients: 1_000 };
    assert.equal(limitsOf({ ...LOAD, requests: 10_000 }, COSTS, patient)[0]?.name, "nginx's connections");
  });

  it("would shrink by shared sessions the more, the fewer requests a connection carries", () => {
    assert.equal(savedBySharing(COSTS, 1, 1), 0);
    assert.equal(savedBySharing(COSTS, 2, 5), 0.25);
    assert.ok(savedBySharing(COSTS, 2, 100) < 0.05);
  });
});
