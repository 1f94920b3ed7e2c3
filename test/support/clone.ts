import { execFile } from "node:child_process";
import { cp, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const exec = promisify(execFile);
export const REPOSITORY = join(__dirname, "../..");

/** The repository's files as they stand, and nothing that git ignores: what a user clones. */
export async function cloneInto(directory: string): Promise<string> {
  const list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const { stdout } = await exec("git", ["-C", REPOSITORY, ...list], { maxBuffer: 16 * 1024 * 1024 });
  for (const file of stdout.split("\0").filter(Boolean)) {
    await mkdir(dirname(join(directory, file)), { recursive: true });
    await cp(join(REPOSITORY, file), join(directory, file)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error; // removed, and not committed yet
    });
  }
  return directory;
}
