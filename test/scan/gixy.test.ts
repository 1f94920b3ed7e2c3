import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { parseSettings } from "@app-builder-mtls/proxy";
import { EXAMPLES } from "../../proxy/test/support/examples";
import { writeProxyFiles } from "../support/nginxCheck";
import { assertExplained } from "./explained";
import { obtainGixy } from "./tools";

const exec = promisify(execFile);

interface Issue {
  plugin: string;
  summary: string;
  reason: string;
  file: string;
  line: number;
}

const twenty = parseSettings({
  destinations: Array.from({ length: 20 }, (_, index) => ({
    name: `backend-${index}`,
    path: `/backend-${index}/`,
    stripPath: index % 2 === 0,
    url: `https://backend-${index}.example.com`,
  })),
});

describe("gixy", function () {
  this.timeout(300_000);

  it("finds nothing in the rendered files but what docs/scans.md explains", async () => {
    const gixy = await obtainGixy();
    const found = new Map<string, string>();
    const scanned = [...Object.values(EXAMPLES), { settings: twenty, target: {} }];
    for (const { settings, target } of scanned) {
      await using written = await writeProxyFiles(settings, target);
      for (const { plugin, summary, reason, file, line } of await issuesOf(gixy, join(written.directory, "nginx.conf")))
        found.set(plugin, `${summary} ${reason} (${file}:${line})`);
    }
    await assertExplained("gixy", found);
  });
});

/** gixy ends with 1 when it finds something. */
async function issuesOf(gixy: string, file: string): Promise<Issue[]> {
  const { stdout } = await exec(gixy, ["--format", "json", file]).catch((error: { code?: number; stdout: string }) => {
    if (error.code === 1) return error;
    throw error;
  });
  return JSON.parse(stdout) as Issue[];
}
