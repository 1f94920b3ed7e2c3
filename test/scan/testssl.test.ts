import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { startBackend } from "../support/backend";
import { destinationOf, startProxy } from "../support/proxy";
import { assertExplained } from "./explained";
import { obtainTestssl } from "./tools";

const exec = promisify(execFile);

interface Finding {
  id: string;
  severity: string;
  finding: string;
}

/** What counts: everything above LOW, and a scan that could not be done. */
const COUNTED = new Set(["MEDIUM", "HIGH", "CRITICAL", "FATAL"]);

describe("testssl.sh", function () {
  this.timeout(600_000);

  it("finds nothing above LOW on a running proxy but what docs/scans.md explains", async () => {
    const { command, environment } = await obtainTestssl();
    const directory = await mkdtemp(join(tmpdir(), "mtls-proxy-scan-"));
    await using backend = await startBackend();
    await using proxy = await startProxy({ destinations: [destinationOf(backend)] });
    try {
      const [ca, report] = [join(directory, "ca.pem"), join(directory, "report.json")];
      await writeFile(ca, proxy.ca.cert);
      const how = ["--quiet", "--warnings", "off", "--color", "0", "--nodns", "none", "--ip", "127.0.0.1"];
      const what = [
        "--protocols",
        "--std",
        "--pfs",
        "--server-preference",
        "--server-defaults",
        "--headers",
        "--vulnerable",
      ];
      const options = { cwd: directory, env: { ...process.env, ...environment }, maxBuffer: 64 * 1024 * 1024 };
      // its exit code counts findings
      await exec(
        command,
        [...how, ...what, "--add-ca", ca, "--jsonfile", report, `localhost:${proxy.port}`],
        options,
      ).catch(() => undefined);
      const findings = JSON.parse(await readFile(report, "utf8")) as Finding[];
      const counted = findings.filter(({ severity }) => COUNTED.has(severity));
      await assertExplained("testssl.sh", new Map(counted.map(({ id, finding }) => [id, finding])));
      if (findings.length < 50) throw new Error(`testssl.sh looked at ${findings.length} things only`);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});
