import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { parseSettings } from "@app-builder-mtls/proxy";
import { parse } from "yaml";
import { freePort } from "../../cli/src/local/ports";
import { codeBlocks } from "../docs/codeBlocks";
import { finished, type RunningCommand, run } from "../support/commandLine";
import { temporaryDirectory } from "../support/directory";
import { AIO_VERSION, developerEnvironment } from "./support/aio";
import { type Company, PRODUCT, readable, startCompany } from "./support/backends";
import { makeDevelopmentKeys } from "./support/developmentKeys";
import { infrastructure } from "./support/infrastructure";
import { type EmulatedRuntime, startRuntime } from "./support/runtime";

const exec = promisify(execFile);
const REPOSITORY = join(__dirname, "../..");
const README = join(REPOSITORY, "examples/app-builder/README.md");
const AIO_PORT = "9080";

/** Blocks that need Adobe, or that change this machine. */
const NOT_TYPED = ["aio login", "npm install --global"];

describe("the README of the example", function () {
  this.timeout(600_000);

  let company: Company;
  let runtime: EmulatedRuntime;

  before(async () => {
    [company, runtime] = await Promise.all([startCompany(), startRuntime(process.execPath)]);
  });
  after(async () => {
    await Promise.all([company, runtime].map((part) => part?.[Symbol.asyncDispose]()));
  });

  it("leads word for word from nothing to deployed actions, but for Adobe's login", async () => {
    await using directory = await temporaryDirectory();
    const home = join(directory.path, "home");
    await mkdir(join(home, "config"), { recursive: true });
    await clone(join(directory.path, "app-builder-mtls-proxy"));
    await infrastructure(directory.path, company.proxy);
    const port = String(await freePort(19_080));
    const environment = await developerEnvironment(home, { ...runtime.environment, PORT: port });
    const app = join(directory.path, "my-app");
    const [start, localProxy, localDev, call, deploy, ...more] = await typedBlocks();
    assert.deepEqual(more, []);

    await type(start, directory.path, environment);
    await writeFile(join(app, "local.yaml"), JSON.stringify(await backendsOnThisMachine(company)));
    await makeDevelopmentKeys(app);
    {
      await using proxy = terminal(localProxy, app, environment);
      await proxy.says("serving");
      await using dev = terminal(localDev, app, environment);
      await dev.says("press CTRL+C", 120_000);
      const answer = await type(call?.replace(AIO_PORT, port), app, environment);
      assert.deepEqual(readable(JSON.parse(answer)), PRODUCT);
    }
    await type(deploy, app, environment);
    const headers = { authorization: "Bearer token", "x-gw-ims-org-id": "org" };
    const { body } = await runtime.request("backend/get-product", { query: "sku=4711", headers });
    assert.deepEqual(readable(body), PRODUCT);
  });

  it("names the release of Adobe's command line that is tested here", async () => {
    assert.ok((await readFile(README, "utf8")).includes(`npm install --global @adobe/aio-cli@${AIO_VERSION}\n`));
  });

  it("shows destinations that are good settings, and the same as local.yaml", async () => {
    const [block] = (await codeBlocks(README)).filter(({ language }) => language === "yaml");
    const destinations = parse(block?.text ?? "")["app-builder-mtls:destinations"];
    assert.deepEqual(Object.keys(parseSettings({ destinations }).destinations), ["0", "1"]);
    const local = parse(await readFile(join(REPOSITORY, "examples/app-builder/local.yaml"), "utf8"));
    assert.deepEqual(local.destinations, destinations);
  });
});

async function typedBlocks(): Promise<string[]> {
  const blocks = (await codeBlocks(README)).filter(({ language }) => language === "sh").map(({ text }) => text);
  return blocks.filter((text) => !NOT_TYPED.some((beginning) => text.startsWith(beginning)));
}

/** The repository as it is after `git clone` and `npm ci`. */
async function clone(into: string): Promise<void> {
  const { stdout } = await exec("git", ["-C", REPOSITORY, "ls-files", "-z", "--cached"]);
  for (const file of [...stdout.split("\0").filter(Boolean), "cli/dist/main.js"]) {
    await mkdir(dirname(join(into, file)), { recursive: true });
    await cp(join(REPOSITORY, file), join(into, file));
  }
  await symlink(join(REPOSITORY, "node_modules"), join(into, "node_modules"));
}

async function backendsOnThisMachine({ erp, pim }: Company): Promise<object> {
  const destinations = [
    { name: "erp", path: "/erp", url: erp.url, ca: erp.ca },
    { name: "pim", path: "/pim", url: pim.url, ca: pim.ca },
  ];
  return { destinations, port: await freePort(10_443) };
}

/** Types commands and waits for the end. */
async function type(commands: string | undefined, cwd: string, env: NodeJS.ProcessEnv): Promise<string> {
  assert.ok(commands);
  const { exit, stdout, stderr } = await finished(run("sh", ["-ec", commands], { cwd, env }));
  assert.equal(exit, 0, `${commands}\n${stdout}${stderr}`);
  return stdout;
}

/** Types a command that goes on, in a terminal of its own: Ctrl-C, at the end, reaches all that it has started. */
function terminal(command: string | undefined, cwd: string, env: NodeJS.ProcessEnv): RunningCommand {
  assert.ok(command);
  const running = run("setsid", ["sh", "-c", command], { cwd, env });
  const dispose = async () => {
    process.kill(-running.pid, "SIGINT");
    await running.ended;
  };
  return Object.defineProperty(running, Symbol.asyncDispose, { value: dispose });
}
