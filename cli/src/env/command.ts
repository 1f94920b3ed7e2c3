import { existsSync } from "node:fs";
import { appendFile, readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parse } from "dotenv";
import { type CredentialVariables, credentialVariables } from "../credentials";
import { mergeDotenv } from "../dotenvFile";
import { CommandError } from "../errors";
import { writePrivateFile } from "../privateFiles";
import { type StackCredentials, type StackOutputs, type StackSource, stackOutputs } from "../pulumi";
import type { Terminal } from "../terminal";
import { githubEnv, githubMasks } from "./format";
import { warningsFor } from "./warnings";

export interface EnvOptions extends StackSource {
  file?: string;
  client?: string;
  check?: boolean;
  stdout?: boolean;
  format?: "github";
  json?: boolean;
}

/** `mtls-proxy env`: a stack's credentials, put where actions take them from. */
export async function env(options: EnvOptions, terminal: Terminal): Promise<void> {
  refuseContradictions(options);
  terminal.progress(`reading the outputs of the stack ${options.stack ?? "that is selected"}`);
  const variables = variablesOf(credentialsOf(await stackOutputs(options), options.client));
  if (options.format === "github") return intoGithubEnv(variables, terminal);
  if (options.stdout)
    return terminal.result(options.json ? JSON.stringify(variables) : mergeDotenv("", variables).trimEnd());
  const file = resolve(options.file ?? "");
  if (options.check) return compare(file, variables, options, terminal);
  return merge(file, variables, options, terminal);
}

function refuseContradictions({ file, stdout, format, check }: EnvOptions): void {
  const goals = [file && "--file", stdout && "--stdout", format === "github" && "--format github"].filter(Boolean);
  if (goals.length !== 1) {
    const given = goals.length === 0 ? "none is given" : `${goals.join(" and ")} are given`;
    throw usage(
      `Say where the credentials go, by exactly one of --file, --stdout and --format github (${given}). Type: mtls-proxy env --stack dev --file ../my-app/.env`,
    );
  }
  if (check && !file)
    throw usage("--check compares a file. Type: mtls-proxy env --check --stack dev --file ../my-app/.env");
}

const usage = (message: string) => new CommandError("ERR_MTLS_USAGE", message, { exitCode: 2 });

/** @throws CommandError ERR_MTLS_NO_SUCH_CLIENT */
export function credentialsOf(outputs: StackOutputs, client?: string): StackCredentials {
  if (!client) return outputs;
  const found = outputs.clients[client];
  if (found) return found;
  const known = Object.keys(outputs.clients).join(", ");
  throw new CommandError(
    "ERR_MTLS_NO_SUCH_CLIENT",
    `The stack has no client ${client}; it has ${known}. Add it to clients and type: pulumi up`,
    { exitCode: 2 },
  );
}

const variablesOf = ({ endpoint, clientCert, clientKey, caCert }: StackCredentials): CredentialVariables =>
  credentialVariables({ endpoint, cert: clientCert, key: clientKey, ca: caCert });

async function merge(
  file: string,
  variables: CredentialVariables,
  { json }: EnvOptions,
  terminal: Terminal,
): Promise<void> {
  const before = await readIfThere(file);
  const after = mergeDotenv(before, variables);
  if (after !== before) await write(file, after);
  const warnings = await warningsFor(file, variables);
  if (json)
    return terminal.result(
      JSON.stringify({ file, changed: after !== before, variables: Object.keys(variables), warnings }),
    );
  for (const warning of warnings) terminal.progress(`warning: ${warning}`);
  terminal.result(
    after === before
      ? `${file} was up to date already.`
      : `${file} has the credentials for ${variables.__AIO_MTLS_ENDPOINT}.`,
  );
}

async function compare(
  file: string,
  variables: CredentialVariables,
  { json, stack }: EnvOptions,
  terminal: Terminal,
): Promise<void> {
  const present = parse(await readIfThere(file));
  const outdated = Object.entries(variables).flatMap(([name, value]) => (present[name] === value ? [] : [name]));
  if (json) terminal.result(JSON.stringify({ file, upToDate: outdated.length === 0, outdated }));
  if (outdated.length > 0) {
    const again = `mtls-proxy env${stack ? ` --stack ${stack}` : ""} --file ${file}`;
    throw new CommandError("ERR_MTLS_ENV_OUTDATED", `${file} is out of date: ${outdated.join(", ")}. Type: ${again}`);
  }
  if (!json) terminal.result(`${file} is up to date.`);
}

async function intoGithubEnv(variables: CredentialVariables, terminal: Terminal): Promise<void> {
  const { GITHUB_ENV } = process.env;
  if (!GITHUB_ENV) {
    throw new CommandError(
      "ERR_MTLS_NO_GITHUB_ENV",
      "GITHUB_ENV is not set: --format github is for a step of a GitHub workflow. Elsewhere use --file or --stdout.",
      {
        exitCode: 2,
      },
    );
  }
  terminal.result(githubMasks(variables).trimEnd());
  await appendFile(GITHUB_ENV, githubEnv(variables));
  terminal.progress(`the steps that follow have ${Object.keys(variables).join(", ")}`);
}

async function readIfThere(file: string): Promise<string> {
  return existsSync(file) ? readFile(file, "utf8") : "";
}

async function write(file: string, text: string): Promise<void> {
  try {
    await writePrivateFile(file, text);
  } catch (cause) {
    throw new CommandError("ERR_MTLS_FILE", `${file} cannot be written (${(cause as NodeJS.ErrnoException).code}).`, {
      cause,
    });
  }
}
