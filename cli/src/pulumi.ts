import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { z } from "zod";
import { CommandError, type CommandErrorCode } from "./errors";

const exec = promisify(execFile);

const credentials = z.object({
  endpoint: z.string(),
  clientCert: z.string(),
  clientKey: z.string(),
  caCert: z.string(),
});
const outputs = credentials.extend({
  clients: z.record(z.string(), credentials),
  egressIps: z.array(z.string()),
  bundleVersion: z.string(),
});

/** What a stack exports; see `infra/index.ts`. */
export type StackOutputs = z.output<typeof outputs>;
export type StackCredentials = z.output<typeof credentials>;

export interface StackSource {
  /** Default: the one that is selected. */
  stack?: string;
  /** Where `Pulumi.yaml` is. Default: this directory, as with `pulumi` itself. */
  cwd?: string;
}

/**
 * A stack's outputs by the `pulumi` command, so that every backend and every secrets provider works that works for the user.
 * @throws CommandError that says what to type next
 */
export async function stackOutputs({ stack, cwd }: StackSource): Promise<StackOutputs> {
  const args = ["stack", "output", "--json", "--show-secrets", "--non-interactive", ...stackOption({ stack })];
  const text = await pulumi(args, { stack, cwd });
  const parsed = outputs.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  const missing = [...new Set(parsed.error.issues.map(({ path }) => path.join(".")))].join(", ");
  throw new CommandError(
    "ERR_MTLS_NO_OUTPUT",
    `The stack ${stack ?? "that is selected"} exports no ${missing}. It was never brought up, or by another release of this program. Type: pulumi up${stack ? ` --stack ${stack}` : ""}`,
  );
}

const configured = z.object({ value: z.string(), objectValue: z.unknown().optional(), secret: z.boolean() });

/** One top-level key of a stack's configuration. */
export interface ConfigValue {
  /** As the program itself gets it: JSON where the text is JSON, and undefined where nothing is set. */
  value: unknown;
  /** Whether a part of it, or the whole, is encrypted. */
  isSecret: boolean;
}

/** @throws CommandError that says what to type next */
export async function configValue(key: string, source: StackSource): Promise<ConfigValue> {
  const args = ["config", "get", key, "--json", "--non-interactive", ...stackOption(source)];
  const said = await pulumi(args, source, [NOT_CONFIGURED, '{"value":"","secret":false}']);
  const { value, objectValue, secret } = configured.parse(JSON.parse(said));
  return { value: objectValue ?? jsonOr(value), isSecret: secret };
}

function jsonOr(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const NOT_CONFIGURED = /configuration key '.*' not found/;

/**
 * Writes one top-level key, as a structure that people can read.
 * @param value plain: it is an argument, which others on this machine can read
 * @throws CommandError that says what to type next
 */
export async function setConfigValue(key: string, value: unknown, source: StackSource): Promise<void> {
  const written = { [key]: { value: JSON.stringify(value), objectValue: value, secret: false } };
  const args = ["config", "set-all", "--json", JSON.stringify(written), "--non-interactive", ...stackOption(source)];
  await pulumi(args, source);
}

const stackOption = ({ stack }: StackSource): string[] => (stack ? ["--stack", stack] : []);

/** @param otherwise words with which the command may fail, and what stands for its answer then */
async function pulumi(
  args: string[],
  source: StackSource,
  otherwise?: [said: RegExp, answer: string],
): Promise<string> {
  try {
    const { stdout } = await exec("pulumi", args, { cwd: source.cwd, maxBuffer: 16 * 1024 * 1024 });
    return stdout;
  } catch (cause) {
    const { stderr = "" } = cause as { stderr?: string };
    if (otherwise?.[0].test(stderr)) return otherwise[1];
    throw explained(cause, `pulumi ${args.slice(0, 2).join(" ")}`, source);
  }
}

/** What the `pulumi` command says when it cannot do what is asked, and what helps. */
const EXPLANATIONS: [pattern: RegExp, code: CommandErrorCode, explain: (source: StackSource) => string][] = [
  [
    /unknown flag: --json/, // stands first: the help that follows these words names every other option
    "ERR_MTLS_PULUMI",
    () => "This pulumi is too old to write a list into a configuration, which came in 2025. Update it and try again",
  ],
  [
    /no Pulumi\.yaml project file|fully qualified name/i,
    "ERR_MTLS_NO_PROJECT",
    () =>
      "There is no Pulumi.yaml here. Run this in the directory of the infrastructure repository, or name it with --cwd",
  ],
  [
    /no stack named|stack '.*' not found/i,
    "ERR_MTLS_NO_STACK",
    ({ stack }) =>
      `There is no stack ${stack ?? "selected"} here. Type: pulumi stack ls, or to make one: pulumi stack init ${stack ?? "dev"}`,
  ],
  [
    /no stack selected|must supply.*stack|--stack/i,
    "ERR_MTLS_NO_STACK",
    () => "No stack is selected. Name one with --stack; they are listed by: pulumi stack ls",
  ],
  [
    /PULUMI_ACCESS_TOKEN|not logged in|pulumi login/i,
    "ERR_MTLS_NOT_LOGGED_IN",
    () =>
      "pulumi is not logged in to the place where the stacks are kept. Type: pulumi login (or set PULUMI_ACCESS_TOKEN or PULUMI_BACKEND_URL)",
  ],
  [
    /passphrase/i,
    "ERR_MTLS_PASSPHRASE",
    () =>
      "The stack's secrets cannot be opened: its passphrase is missing or wrong. Set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE and try again",
  ],
];

function explained(cause: unknown, command: string, source: StackSource): CommandError {
  const { code, stderr = "" } = cause as NodeJS.ErrnoException & { stderr?: string };
  if (code === "E2BIG" || code === "ENAMETOOLONG") {
    return new CommandError(
      "ERR_MTLS_PULUMI",
      `The value is too long for an argument of ${command} on this system. Write it into the stack's file yourself, and type: pulumi up`,
      { cause },
    );
  }
  if (code === "ENOENT") {
    return new CommandError(
      "ERR_MTLS_NO_PULUMI",
      "The command pulumi is not on the PATH. Install it (https://www.pulumi.com/docs/install/) and try again.",
    );
  }
  const known = EXPLANATIONS.find(([pattern]) => pattern.test(stderr));
  if (known) return new CommandError(known[1], `${known[2](source)}.`);
  return new CommandError("ERR_MTLS_PULUMI", `${command} failed and said:\n${stderr.trim() || "nothing"}`);
}
