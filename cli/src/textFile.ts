import { readFile } from "node:fs/promises";
import { CommandError, type CommandErrorCode } from "./errors";

/**
 * The text of a file that the user has named.
 * @throws CommandError with that code when it cannot be read
 */
export async function readTextFile(path: string, code: CommandErrorCode = "ERR_MTLS_FILE"): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const message = `${path} cannot be read (${(cause as NodeJS.ErrnoException).code}).`;
    throw new CommandError(code, message, { cause, exitCode: 2 });
  }
}
