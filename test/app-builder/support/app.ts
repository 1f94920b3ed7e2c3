import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, cp, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { finished, type RunningCommand, run } from "../../support/commandLine";
import { temporaryDirectory } from "../../support/directory";
import { aio, developerEnvironment } from "./aio";
import { type Container, startContainer } from "./container";
import { unzip } from "./unzip";

const exec = promisify(execFile);
const ROOT = join(__dirname, "../../..");
const EXAMPLE = join(ROOT, "examples/app-builder");

/** Where `npm install` put what the example needs: once for all tests, because it takes half a minute. */
let installation: Promise<{ path: string } & AsyncDisposable> | undefined;

after(async () => {
  await (await installation)?.[Symbol.asyncDispose]();
});

/** The packages as `npm publish` would send them, where the example's package.json looks for them. */
async function packInto(vendor: string): Promise<void> {
  await mkdir(vendor, { recursive: true });
  await exec("npm", ["pack", "-w", "action-lib", "-w", "cli", "--pack-destination", vendor], { cwd: ROOT });
}

async function install(): Promise<{ path: string } & AsyncDisposable> {
  const directory = await temporaryDirectory();
  await cp(EXAMPLE, directory.path, { recursive: true, filter: isSource });
  await packInto(join(directory.path, "vendor"));
  await exec("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline"], { cwd: directory.path });
  return directory;
}

const isSource = (path: string): boolean => !/[/\\](node_modules|dist|\.env|\.mtls-proxy)$/.test(path);

/** A copy of the example in a directory of its own, with what it needs installed, and a home of its own. */
export class App implements AsyncDisposable {
  private readonly containers: Container[] = [];

  private constructor(
    /** The directory in which the application's directory lies. */
    readonly parent: string,
    readonly environment: NodeJS.ProcessEnv,
    private readonly remove: () => PromiseLike<void>,
  ) {}

  static async create(): Promise<App> {
    installation ??= install();
    const [{ path: installed }, directory] = await Promise.all([installation, temporaryDirectory()]);
    const app = new App(directory.path, await developerEnvironment(join(directory.path, "home")), () =>
      directory[Symbol.asyncDispose](),
    );
    await mkdir(join(directory.path, "home/config"), { recursive: true });
    await cp(EXAMPLE, app.directory, { recursive: true, filter: isSource });
    await symlink(join(installed, "node_modules"), join(app.directory, "node_modules"));
    return app;
  }

  get directory(): string {
    return join(this.parent, "my-app");
  }

  path(...names: string[]): string {
    return join(this.directory, ...names);
  }

  aio(args: string[], more: NodeJS.ProcessEnv = {}): Promise<RunningCommand> {
    return aio(args, { cwd: this.directory, env: { ...this.environment, ...more } });
  }

  /** The same, to its end. */
  async finish(args: string[], more: NodeJS.ProcessEnv = {}): ReturnType<typeof finished> {
    return finished(await this.aio(args, more));
  }

  /** A script of package.json that is one command. Not by `npm run`, which ends without ending what it runs. */
  async script(name: string): Promise<RunningCommand> {
    const { scripts } = JSON.parse(await readFile(this.path("package.json"), "utf8"));
    const env = { ...this.environment, PATH: `${this.path("node_modules/.bin")}:${this.environment.PATH}` };
    return run("sh", ["-c", `exec ${scripts[name]}`], { cwd: this.directory, env });
  }

  /** `aio app build`, to its good end. @returns everything that it printed */
  async build(): Promise<string> {
    const { exit, stdout, stderr } = await this.finish(["app", "build"]);
    assert.equal(exit, 0, stdout + stderr);
    return stdout + stderr;
  }

  write(file: string, text: string): Promise<void> {
    return writeFile(this.path(file), text);
  }

  async writeEnv(variables: Record<string, string>): Promise<void> {
    const lines = Object.entries(variables).map(([name, value]) => `${name}="${value.replaceAll("\n", "\\n")}"\n`);
    await writeFile(this.path(".env"), lines.join(""));
    await chmod(this.path(".env"), 0o600);
  }

  zip(action: string): string {
    return this.path("dist/application/actions/backend", `${action}.zip`);
  }

  /** The built action's code. */
  async bundle(action: string): Promise<string> {
    return readFile(this.path("dist/application/actions/backend", `${action}-temp`, "index.js"), "utf8");
  }

  /** A built action, unpacked from its zip, in a container on that release of Node. */
  async container(action: string, node: string): Promise<Container> {
    const unpacked = join(this.parent, `unpacked-${action}-${this.containers.length}`);
    await unzip(this.zip(action), unpacked);
    const container = startContainer(node, unpacked);
    this.containers.push(container);
    return container;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.containers.map((container) => container[Symbol.asyncDispose]()));
    await this.remove();
  }
}
