import { randomUUID } from "node:crypto";
import type { CredentialVariables } from "../credentials";

/**
 * The commands that a GitHub workflow's step prints so that the runner hides a text in every log from then on.
 * The runner masks line by line, so a key is masked line by line.
 */
export function githubMasks({ __AIO_MTLS_KEY }: CredentialVariables): string {
  const lines = __AIO_MTLS_KEY.split("\n").filter((line) => line !== "" && !line.startsWith("-----"));
  return lines.map((line) => `::add-mask::${line}\n`).join("");
}

/** What is added to the file that GITHUB_ENV names. The delimiter is random, so that no value can end itself. */
export function githubEnv(variables: CredentialVariables): string {
  return Object.entries(variables)
    .map(([name, value]) => {
      const delimiter = `end-${randomUUID()}`;
      return `${name}<<${delimiter}\n${value}\n${delimiter}\n`;
    })
    .join("");
}
