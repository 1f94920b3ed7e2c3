import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, cp, mkdir, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { finished, run } from "../support/commandLine";
import { temporaryDirectory } from "../support/directory";

const exec = promisify(execFile);
const REPOSITORY = join(__dirname, "../..");
const NOBODY = 65_534;

/** A machine with Node and nothing of ours: no packages installed, an empty home, no nginx in a cache. */
async function newcomer(user: number) {
  const directory = await temporaryDirectory();
  const clone = join(directory.path, "clone");
  const { stdout } = await exec("git", [
    "-C",
    REPOSITORY,
    "ls-files",
    "-z",
    "--cached",
    "--others",
    "--exclude-standard",
  ]);
  for (const file of stdout.split("\0").filter(Boolean)) {
    await mkdir(dirname(join(clone, file)), { recursive: true });
    await cp(join(REPOSITORY, file), join(clone, file)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error; // deleted, and not committed yet
    });
  }
  await mkdir(join(directory.path, "home"));
  await chmod(directory.path, 0o755);
  if (user !== process.getuid?.()) await exec("chown", ["-R", `${user}:${user}`, directory.path]);
  const env = { PATH: process.env.PATH, HOME: join(directory.path, "home") };
  const asUser = user === process.getuid?.() ? [] : ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--clear-groups"];
  const type = (commands: string) => {
    const [command = "", ...args] = [...asUser, "sh", "-c", commands];
    return finished(run(command, args, { cwd: clone, env }));
  };
  return { type, home: env.HOME, [Symbol.asyncDispose]: directory[Symbol.asyncDispose] };
}

describe("a newcomer", function () {
  this.timeout(300_000);

  const users =
    process.getuid?.() === 0
      ? { root: 0, "an ordinary user": NOBODY }
      : { "an ordinary user": process.getuid?.() ?? NOBODY };
  for (const [who, user] of Object.entries(users)) {
    it(`types npm ci && npm start as ${who} and is told the story`, async () => {
      await using machine = await newcomer(user);
      const { exit, stdout, stderr } = await machine.type("npm ci && npm start");
      assert.equal(exit, 0, stdout + stderr);
      assert.match(stdout, /with its client certificate +200 /);
      assert.match(stdout, /What the backend saw +GET .* from app-builder/);
      assert.doesNotMatch(stderr, /warn|error/i, "npm has nothing to complain about");
      assert.equal((await machine.type("npx --no mtls-proxy --version")).exit, 0);
      assert.deepEqual(
        (await readdir(machine.home)).filter((name) => !name.startsWith(".")),
        [],
      );
    });
  }
});
