import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { temporaryDirectory } from "../support/directory";
import { call, emptyAccount, fetchBundle, inventory, query, values } from "./emulatedAws";
import type { StackOutputs } from "./stack";
import { blocksOf, idIn, outputsOf, serveStack, sitDown, type Typist } from "./typist";

const [REGION, OTHER_REGION] = ["eu-west-1", "eu-central-1"];
const INSTANCE = "aws:ec2/instance:Instance";
const SECRET = "aws:secretsmanager/secret:Secret";

type Directory = Awaited<ReturnType<typeof temporaryDirectory>>;

/** Each page's commands, typed as they stand, in an account in which what the page is about has happened. */
describe("docs/recovery", function () {
  this.timeout(400_000);
  const { AWS_REGION } = process.env;
  let directory: Directory;
  let typist: Typist;

  beforeEach(async () => {
    process.env.AWS_REGION = REGION; // where the emulator is asked what there is
    // the pages find things by the tag `dev`, which every test here gives anew
    await emptyAccount();
    directory = await temporaryDirectory();
    typist = await sitDown(directory.path);
    await typeAll(["pulumi stack init dev", "pulumi up --stack dev"]);
  });
  afterEach(async () => {
    process.env.AWS_REGION = AWS_REGION;
    await directory[Symbol.asyncDispose]();
  });

  it("brings back a machine that is lost, and exchanges the keys of one that was broken into", async () => {
    const [lost = [], brokenInto = []] = await blocks("machine.md", 2);
    const before = await outputsOf(typist, "dev");
    const machine = await idIn(typist, "dev", INSTANCE);
    await query("ec2", "TerminateInstances", { "InstanceId.1": machine });
    assert.deepEqual(await running(), []);
    await typeAndVerify(lost);
    assert.deepEqual(await outputsOf(typist, "dev"), before);
    const [successor = "", ...others] = await running();
    assert.ok(successor !== machine && others.length === 0);

    const { files } = await bundle();
    await typeAll(brokenInto);
    const after = await bundle();
    for (const key of ["server.key", "probe.key", "server.crt"]) assert.notEqual(after.files[key], files[key], key);
    assert.equal(after.files["client-ca.crt"], files["client-ca.crt"]);
    assert.ok(!(await running()).includes(successor));
    assert.deepEqual(credentialsIn(await outputsOf(typist, "dev")), credentialsIn(before));
  });

  it("brings back a secret that is deleted, overwritten, or gone for good", async () => {
    const [deleted = [], gone = [], overwritten = []] = await blocks("secret.md", 3);
    const [before, SecretId, machine] = [await bundle(), await idIn(typist, "dev", SECRET), await running()];

    await call("secretsmanager", "DeleteSecret", { SecretId, RecoveryWindowInDays: 30 });
    await assert.rejects(bundle(), /marked for deletion|marked deleted/);
    await typeAndVerify(deleted);
    assert.deepEqual([await bundle(), await running()], [before, machine]);

    await call("secretsmanager", "PutSecretValue", { SecretId, SecretString: "something else" });
    await assert.rejects(bundle());
    await typeAndVerify(overwritten);
    assert.deepEqual([await bundle(), await running()], [before, machine]);

    await call("secretsmanager", "DeleteSecret", { SecretId, ForceDeleteWithoutRecovery: true });
    await typeAndVerify(gone);
    assert.notEqual(await idIn(typist, "dev", SECRET), SecretId);
    assert.deepEqual(await bundle(), before);
    assert.equal((await running()).filter((id) => machine.includes(id)).length, 0, "the machine is another");
  });

  it("takes up a state from its copy", async () => {
    const [[copy = ""] = []] = await blocksOf("docs/recovery.md");
    const [withCopy = []] = await blocks("state.md", 4);
    const [before, account] = [await outputsOf(typist, "dev"), await inventory()];
    await typist.type(copy);
    await loseTheState();
    await typeAll(withCopy);
    assert.deepEqual([await outputsOf(typist, "dev"), await inventory()], [before, account]);
  });

  it("brings up a new stack at the old address when a state is lost for good", async () => {
    const [, beside = [], move = [], end = []] = await blocks("state.md", 4);
    const before = await outputsOf(typist, "dev");
    const [machines, SecretId] = [await running(), await idIn(typist, "dev", SECRET)];
    await loseTheState();
    await typeAll(beside);
    assert.notEqual((await outputsOf(typist, "dev2")).endpoint, before.endpoint);
    await typeAndVerify(move, "dev2");
    const after = await outputsOf(typist, "dev2");
    assert.equal(after.endpoint, before.endpoint);
    assert.notEqual(after.caCert, before.caCert);
    await typeAll(end);
    assert.deepEqual(await running(), [await idIn(typist, "dev2", INSTANCE)]);
    assert.equal(machines.length, 1);
    await assert.rejects(fetchBundle(SecretId));
  });

  it("moves to another region while both proxies serve", async () => {
    const [there = [], credentials = [], away = []] = await blocks("region.md", 3);
    const first = await outputsOf(typist, "dev");
    await typeAll(there);
    process.env.AWS_REGION = OTHER_REGION;
    await typeAndVerify(credentials, "dev2");
    assert.ok((await idIn(typist, "dev2", SECRET)).includes(OTHER_REGION));
    assert.notDeepEqual((await outputsOf(typist, "dev2")).egressIps, first.egressIps);
    process.env.AWS_REGION = REGION;
    assert.equal((await running()).length, 1, "the first goes on until it is destroyed");
    await typeAll(away);
    assert.deepEqual(await running(), []);
  });

  it("keeps the address of a stack that is destroyed, for whoever takes it up", async () => {
    const [keep = [], destroy = [], takeUp = [], release = []] = await blocks("address.md", 4);
    const { egressIps } = await outputsOf(typist, "dev");
    await typeAll([...keep, ...destroy]);
    assert.deepEqual(await addresses(), egressIps);
    await typeAll(takeUp);
    assert.deepEqual((await outputsOf(typist, "dev")).egressIps, egressIps);
    await typist.type("pulumi destroy --stack dev");
    assert.deepEqual(await addresses(), egressIps);
    await typeAll(release);
    assert.deepEqual(await addresses(), []);
  });

  async function typeAll(commands: string[]): Promise<void> {
    for (const command of commands) await typist.type(command);
  }

  /** The machine boots while `verify` waits; here the bundle is served before it is asked for. */
  async function typeAndVerify(commands: string[], stack = "dev"): Promise<void> {
    const verify = commands.at(-1) ?? "";
    assert.match(verify, /^npx --no mtls-proxy verify /);
    await typeAll(commands.slice(0, -1));
    await using _ = await serveStack(typist, stack);
    await typist.type(verify);
  }

  const bundle = async () => fetchBundle(await idIn(typist, "dev", SECRET));

  const loseTheState = () => rm(join(directory.path, ".pulumi"), { recursive: true });
});

/** A page's blocks, all of which a test runs. */
async function blocks(page: string, number: number): Promise<string[][]> {
  const found = await blocksOf(`docs/recovery/${page}`);
  assert.equal(found.length, number, `${page} has blocks that no test runs`);
  return found;
}

const credentialsIn = ({ endpoint, clientCert, clientKey, caCert }: StackOutputs) => [
  endpoint,
  clientCert,
  clientKey,
  caCert,
];

/** The machines that are there and not ended. */
async function running(): Promise<string[]> {
  const filter = { "Filter.1.Name": "instance-state-name", "Filter.1.Value.1": "running" };
  return values(await query("ec2", "DescribeInstances", filter), "instanceId");
}

const addresses = async () => values(await query("ec2", "DescribeAddresses"), "publicIp");
