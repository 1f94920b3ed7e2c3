import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseSettings, trustedGenerations } from "@app-builder-mtls/proxy";
import { finished, mtlsProxy } from "../support/commandLine";
import { codeBlocks } from "./codeBlocks";

const REPOSITORY = join(__dirname, "../..");
const PAGE = join(REPOSITORY, "docs/rotation.md");
const DESTINATION = { url: "https://api.example.com" };

type Configuration = Record<string, unknown>;

describe("docs/rotation.md", function () {
  this.timeout(60_000);

  it("leads by its commands through these states, each of which is accepted", async () => {
    const states: object[] = [];
    const configuration: Configuration = { destinations: [DESTINATION] };
    for (const command of await commands()) {
      if (command.startsWith("pulumi config ")) configure(configuration, command);
      if (command !== "pulumi up --stack dev") continue;
      const settings = parseSettings(configuration);
      const [{ generation, accept } = assert.fail()] = settings.clients;
      states.push({ issued: generation, accept, cas: trustedGenerations(settings) });
    }
    assert.deepEqual(states, [
      { issued: 1, accept: [1], cas: [1] },
      { issued: 2, accept: [1, 2], cas: [1] },
      { issued: 2, accept: [2], cas: [1] },
      { issued: 3, accept: [3], cas: [1] },
      { issued: 3, accept: [3], cas: [1, 2] },
      { issued: 3, accept: [3], cas: [2] },
      { issued: 3, accept: [3], cas: [3] },
    ]);
  });

  it("shows no command but these, with options that they have", async () => {
    const own = /^npx --no mtls-proxy (env|verify) (.*)$/;
    const help: Record<string, string> = {};
    for (const name of ["env", "verify"]) help[name] = (await finished(mtlsProxy([name, "--help"]))).stdout;
    for (const command of await commands()) {
      const [, name = "", options = ""] = own.exec(command) ?? [];
      if (name === "") assert.match(command, /^pulumi (up --stack dev$|config (set|rm) --stack dev --path \S+)/);
      for (const option of options.match(/--[a-z-]+/g) ?? []) assert.ok(help[name]?.includes(option), command);
    }
    for (const option of ["--old-cert", "--old-key"]) assert.ok(help.verify?.includes(option), option);
  });

  it("names error codes that the library has", async () => {
    const codes = await readFile(join(REPOSITORY, "action-lib/src/connection-error.ts"), "utf8");
    for (const [code] of (await readFile(PAGE, "utf8")).matchAll(/ERR_MTLS_\w+/g))
      assert.ok(codes.includes(code), code);
  });
});

async function commands(): Promise<string[]> {
  const blocks = (await codeBlocks(PAGE)).filter(({ language }) => language === "sh");
  return blocks.flatMap(({ text }) => text.split("\n"));
}

const CONFIG = /^pulumi config (set|rm) --stack dev --path '?([\w[\].]+)'?(?: (\S+))?$/;

/** What `pulumi config set` and `rm` do with a path: numbers and lists are made as they are written. */
function configure(configuration: Configuration, command: string): void {
  const [, action, path = "", value = ""] = CONFIG.exec(command) ?? assert.fail(command);
  const keys = path.split(/[.[\]]+/).filter(Boolean);
  const last = keys.pop() ?? assert.fail(path);
  let place: Record<string, unknown> = configuration;
  for (const [index, key] of keys.entries()) {
    place[key] ??= /^\d+$/.test(keys[index + 1] ?? last) ? [] : {};
    place = place[key] as Record<string, unknown>;
  }
  if (action === "rm") delete place[last];
  else place[last] = /^\d+$/.test(value) ? Number(value) : value;
}
