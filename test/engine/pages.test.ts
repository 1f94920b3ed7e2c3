import assert from "node:assert/strict";
import { temporaryDirectory } from "../support/directory";
import { emptyAccount } from "./emulatedAws";
import { blocksOf, idIn, outputsOf, sitDown, type Typist } from "./typist";

const REGION = "eu-west-1";
const INSTANCE = "aws:ec2/instance:Instance";

/** Commands of pages that have no test of their own here, typed as they stand. */
describe("the commands of", function () {
  this.timeout(600_000);
  const { AWS_REGION, AWS_DEFAULT_REGION } = process.env;
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let typist: Typist;

  beforeEach(async () => {
    process.env.AWS_REGION = REGION;
    process.env.AWS_DEFAULT_REGION = REGION; // the name by which `aws` knows it
    await emptyAccount();
    directory = await temporaryDirectory();
    typist = await sitDown(directory.path);
    await typist.type("pulumi stack init dev");
  });
  afterEach(async () => {
    restore("AWS_REGION", AWS_REGION);
    restore("AWS_DEFAULT_REGION", AWS_DEFAULT_REGION);
    await directory[Symbol.asyncDispose]();
  });

  it("docs/operations.md work", async () => {
    /** Typed for other pages; or for version 2 of `aws` (logs tail), a machine that boots (ssm), or a fleet (autoscaling). */
    const elsewhere = /^(npx --no mtls-proxy |aws (logs tail|ssm start-session|autoscaling) )/;
    const [first = [], ...others] = await blocksOf("docs/operations.md");
    for (const command of first) await typist.type(command);
    const machine = await idIn(typist, "dev", INSTANCE);
    const { dashboardUrl = "none" } = await outputsOf(typist, "dev");
    const answers = new Map<string, string>();
    for (const command of others.flat()) if (!elsewhere.test(command)) answers.set(command, await typist.type(command));
    const answerTo = (beginning: string) => [...answers].find(([command]) => command.startsWith(beginning))?.[1] ?? "";
    assert.equal(answerTo("pulumi stack output dashboardUrl").trim(), dashboardUrl);
    assert.ok(answerTo("aws ec2 describe-instance-status").includes(machine));
    assert.equal((await outputsOf(typist, "dev")).dashboardUrl, undefined, "the last block switches it off");
  });

  it("docs/topologies.md lead from single to fleet; what follows asks for updates that the emulator refuses", async () => {
    const [prepare = [], change = []] = await blocksOf("docs/topologies.md");
    // A zone of the emulator's has an identifier that AWS would not give.
    for (const command of prepare) if (!command.includes("hostedZoneId")) await typist.type(command);
    const promised = (await outputsOf(typist, "dev")).egressIps;
    assert.equal(promised.length, 3);
    for (const command of change) await typist.type(command);
    const { egressIps, endpoint } = await outputsOf(typist, "dev");
    assert.deepEqual([...egressIps].sort(), [...promised].sort());
    assert.equal(endpoint, "https://mtls.example.com");
  });
});

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}
