import assert from "node:assert/strict";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import type { Bundle } from "@app-builder-mtls/proxy";
import { codeBlocks } from "../docs/codeBlocks";
import { type RecordingBackend, startBackend } from "../support/backend";
import { issueCa, issueServer } from "../support/certificates";
import { cloneInto, REPOSITORY } from "../support/clone";
import { finished, type RunningCommand, run } from "../support/commandLine";
import { startDns } from "../support/dns";
import { fetchBundle } from "./emulatedAws";
import { serveBundle } from "./servedBundle";
import type { StackOutputs } from "./stack";

/** Somebody at a terminal in a clone of the repository, with `my-app` beside it and a Pulumi state of their own. */
export interface Typist {
  /** The clone. */
  place: string;
  /** Types a command, and says yes when Pulumi asks; what it printed. */
  type(command: string): Promise<string>;
}

/** @param directory an empty one, which holds all of it */
export async function sitDown(directory: string): Promise<Typist> {
  const place = await installedClone(join(directory, "infrastructure"));
  await mkdir(join(directory, "my-app"));
  const env = {
    ...process.env,
    PULUMI_BACKEND_URL: `file://${directory}`,
    PULUMI_CONFIG_PASSPHRASE: "only for tests",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_SKIP_CONFIRMATIONS: "true",
  };
  return {
    place,
    type: async (command) => {
      const typed: RunningCommand = run("sh", ["-c", command], { cwd: place, env });
      const { exit, stdout, stderr } = await finished(typed);
      assert.equal(exit, 0, `${command}\n${stdout}${stderr}`);
      return stdout;
    },
  };
}

/** What a user has after `git clone` and `npm ci`. */
async function installedClone(directory: string): Promise<string> {
  const clone = await cloneInto(directory);
  await symlink(join(REPOSITORY, "node_modules"), join(clone, "node_modules"));
  return clone;
}

/** A page's blocks that begin with these words, as commands. */
export async function commandsOf(page: string, ...beginnings: string[]): Promise<string[][]> {
  const blocks = await codeBlocks(join(REPOSITORY, page));
  return beginnings.map((beginning) => {
    const block = blocks.find(({ language, text }) => language === "sh" && text.startsWith(beginning));
    return block?.text.split("\n") ?? assert.fail(`${page} has no block that begins with ${beginning}`);
  });
}

/** All of a page's blocks of commands. */
export async function blocksOf(page: string): Promise<string[][]> {
  const blocks = await codeBlocks(join(REPOSITORY, page));
  return blocks.flatMap(({ language, text }) => (language === "sh" ? [text.split("\n")] : []));
}

/** The backend in README and in Pulumi.dev.yaml. */
const HOST = "api.myhost.com";

/** What a stack has in AWS, served at its endpoint by a real nginx with a backend behind it. */
export interface ServedStack extends AsyncDisposable {
  endpoint: string;
  bundle: Bundle;
  backend: RecordingBackend;
}

export async function serveStack(typist: Typist, stack: string): Promise<ServedStack> {
  const { endpoint, bundleVersion } = await outputsOf(typist, stack);
  const bundle = await fetchBundle(await idIn(typist, stack, "aws:secretsmanager/secret:Secret"));
  assert.equal(bundle.version, bundleVersion);
  const ca = await issueCa();
  const certificate = await issueServer(ca, { names: [HOST] });
  const backend = await startBackend({ certificate, host: "127.0.0.2", port: 443 });
  const dns = await startDns({ [HOST]: "127.0.0.2" });
  const address = new URL(endpoint).hostname;
  const served = await serveBundle(bundle, { address, port: 443, resolver: dns.address, systemCa: ca.cert });
  return {
    endpoint,
    bundle,
    backend,
    [Symbol.asyncDispose]: async () => {
      for (const part of [served, dns, backend]) await part[Symbol.asyncDispose]();
    },
  };
}

export async function outputsOf({ type }: Typist, stack: string): Promise<StackOutputs> {
  return JSON.parse(await type(`pulumi stack output --json --show-secrets --stack ${stack}`));
}

/** What AWS calls a stack's one resource of a type. */
export async function idIn({ type }: Typist, stack: string, kind: string): Promise<string> {
  const { deployment } = JSON.parse(await type(`pulumi stack export --stack ${stack}`));
  const resources: { type: string; id?: string }[] = deployment.resources;
  return resources.find((resource) => resource.type === kind)?.id ?? assert.fail(`${stack} has no ${kind}`);
}
