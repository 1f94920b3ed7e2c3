import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { cloneInto } from "../support/clone";
import { finished, run } from "../support/commandLine";
import { temporaryDirectory } from "../support/directory";

const exec = promisify(execFile);
const NOBODY = 65_534;

/** A machine with Node and nothing of ours: no packages installed, an empty home, no nginx in a cache. */
async function newcomer(user: number) {
  const directory = await temporaryDirectory();
  const clone = await cloneInto(join(directory.path, "clone"));
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
