import { execFile } from "node:child_process";
import { basename, dirname } from "node:path";
import { promisify } from "node:util";
import type { CredentialVariables } from "../credentials";

const exec = promisify(execFile);

/** What will go wrong later with a `.env` that was written well. */
export async function warningsFor(file: string, variables: CredentialVariables): Promise<string[]> {
  return [...(await commitWarnings(file)), ...shellWarnings(variables)];
}

async function commitWarnings(file: string): Promise<string[]> {
  if (!(await git(file, "rev-parse", "--is-inside-work-tree"))) return [];
  if (await git(file, "ls-files", "--error-unmatch", "--", basename(file))) {
    return [
      `${file} is committed to git and now holds a private key. Take it out (git rm --cached ${basename(file)}), ignore it, and raise the client's generation if it was ever pushed.`,
    ];
  }
  if (await git(file, "check-ignore", "--quiet", "--", basename(file))) return [];
  return [`git does not ignore ${file}, which holds a private key: add ${basename(file)} to .gitignore.`];
}

/** Whether git agrees; without git, or outside a repository, it does not. */
async function git(file: string, ...args: string[]): Promise<boolean> {
  return exec("git", args, { cwd: dirname(file) }).then(
    () => true,
    () => false,
  );
}

/** `aio` lets a variable of the shell win over `.env`, an empty one too. */
function shellWarnings(variables: CredentialVariables): string[] {
  const winning = Object.entries(variables).filter(
    ([name, value]) => process.env[name] !== undefined && process.env[name] !== value,
  );
  return winning.map(([name]) => `${name} is set in this shell and wins over the file. Type: unset ${name}`);
}
