import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "dotenv-of-aio";
import { temporaryDirectory } from "../support/directory";
import { inventory } from "./emulatedAws";
import { commandsOf, outputsOf, serveStack, sitDown } from "./typist";

/** Where Pulumi.dev.yaml has its stack. */
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
    const typist = await sitDown(directory.path);
    const [deploy = [], prove = [], takeDown = []] = await commandsOf(
      "README.md",
      "pulumi stack init dev",
      "npx --no mtls-proxy env",
      "pulumi destroy",
    );

    for (const command of deploy) await typist.type(command);
    const { endpoint, egressIps } = await outputsOf(typist, "dev");
    assert.deepEqual(egressIps, [new URL(endpoint).hostname]);

    await using served = await serveStack(typist, "dev");
    for (const command of prove) await typist.type(command);
    assert.equal(parse(await readFile(join(directory.path, "my-app/.env"))).__AIO_MTLS_ENDPOINT, endpoint);
    assert.ok(served.backend.seen.length > 0, "verify asked the destination");
    for (const command of takeDown) await typist.type(command);
    assert.deepEqual(await inventory(), untouched);
  });
});
