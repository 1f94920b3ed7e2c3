import assert from "node:assert/strict";
import { mkdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "dotenv-of-aio";
import { codeBlocks } from "../docs/codeBlocks";
import { startBackend } from "../support/backend";
import { issueCa, issueServer } from "../support/certificates";
import { cloneInto, REPOSITORY } from "../support/clone";
import { finished, type RunningCommand, run } from "../support/commandLine";
import { temporaryDirectory } from "../support/directory";
import { startDns } from "../support/dns";
import { fetchBundle, inventory } from "./emulatedAws";
import { serveBundle } from "./servedBundle";

/** The backend in README and in Pulumi.dev.yaml. */
const HOST = "api.myhost.com";
const REGION = "eu-west-1";

describe("README's way from nothing to a deployed proxy and back", function () {
  this.timeout(300_000);
  let untouched: string[];

  const { AWS_REGION } = process.env;
  before(async () => {
    process.env.AWS_REGION = REGION; // where the emulator is asked what there is
    untouched = await inventory();
  });
  after(() => {
    process.env.AWS_REGION = AWS_REGION;
  });

  it("works word for word", async () => {
    await using directory = await temporaryDirectory();
    const clone = await installedClone(join(directory.path, "infrastructure"));
    await mkdir(join(directory.path, "my-app"));
    const type = typist(clone, directory.path);
    const [deploy = [], prove = [], takeDown = []] = await commandsOf(
      "pulumi stack init dev",
      "npx --no mtls-proxy env",
      "pulumi destroy",
    );

    for (const command of deploy) await type(command);
    const { endpoint, egressIps, bundleVersion } = JSON.parse(await type("pulumi stack output --json"));
    assert.deepEqual(egressIps, [new URL(endpoint).hostname]);

    const ca = await issueCa();
    await using backend = await startBackend({
      certificate: await issueServer(ca, { names: [HOST] }),
      host: "127.0.0.2",
      port: 443,
    });
    await using dns = await startDns({ [HOST]: "127.0.0.2" });
    const bundle = await fetchBundle(await secretOf(type));
    assert.equal(bundle.version, bundleVersion);
    await using _ = await serveBundle(bundle, {
      address: new URL(endpoint).hostname,
      port: 443,
      resolver: dns.address,
      systemCa: ca.cert,
    });

    for (const command of prove) await type(command);
    assert.equal(parse(await readFile(join(directory.path, "my-app/.env"))).__AIO_MTLS_ENDPOINT, endpoint);
    assert.ok(backend.seen.length > 0, "verify asked the destination");
    for (const command of takeDown) await type(command);
    assert.deepEqual(await inventory(), untouched);
  });
});

/** README's blocks that begin with these words, as commands. */
async function commandsOf(...beginnings: string[]): Promise<string[][]> {
  const blocks = await codeBlocks(join(REPOSITORY, "README.md"));
  return beginnings.map((beginning) => {
    const block = blocks.find(({ language, text }) => language === "sh" && text.startsWith(beginning));
    return block?.text.split("\n") ?? assert.fail(`README has no block that begins with ${beginning}`);
  });
}

/** What a user has after `git clone` and `npm ci`. */
async function installedClone(directory: string): Promise<string> {
  const clone = await cloneInto(directory);
  await symlink(join(REPOSITORY, "node_modules"), join(clone, "node_modules"));
  return clone;
}

/** Somebody who types commands into a terminal there, and answers yes when Pulumi asks. */
function typist(cwd: string, state: string): (command: string) => Promise<string> {
  const env = {
    ...process.env,
    PULUMI_BACKEND_URL: `file://${state}`,
    PULUMI_CONFIG_PASSPHRASE: "only for tests",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_SKIP_CONFIRMATIONS: "true",
  };
  return async (command) => {
    const typed: RunningCommand = run("sh", ["-c", command], { cwd, env });
    const { exit, stdout, stderr } = await finished(typed);
    assert.equal(exit, 0, `${command}\n${stdout}${stderr}`);
    return stdout;
  };
}

async function secretOf(type: (command: string) => Promise<string>): Promise<string> {
  const { deployment } = JSON.parse(await type("pulumi stack export"));
  const resources: { type: string; id?: string }[] = deployment.resources;
  return (
    resources.find(({ type: kind }) => kind === "aws:secretsmanager/secret:Secret")?.id ??
    assert.fail("the stack has no secret")
  );
}
