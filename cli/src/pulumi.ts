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
  const args = [
    "stack",
    "output",
    "--json",
    "--show-secrets",
    "--non-interactive",
    ...(stack ? ["--stack", stack] : []),
  ];
  const text = await pulumi(args, { stack, cwd });
  const parsed = outputs.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  const missing = [...new Set(parsed.error.issues.map(({ path }) => path.join(".")))].join(", ");
  throw new CommandError(
    "ERR_MTLS_NO_OUTPUT",
    `The stack ${stack ?? "that is selected"} exports no ${missing}. It was never brought up, or by another release of this program. Type: pulumi up${stack ? ` --stack ${stack}` : ""}`,
  );
}

async function pulumi(args: string[], source: StackSource): Promise<string> {
  try {
    const { stdout } = await exec("pulumi", args, { cwd: source.cwd, maxBuffer: 16 * 1024 * 1024 });
    return stdout;
  } catch (cause) {
    throw explained(cause, source);
  }
}

/** What the `pulumi` command says when it cannot do what is asked, and what helps. */
const EXPLANATIONS: [pattern: RegExp, code: CommandErrorCode, explain: (source: StackSource) => string][] = [
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

function explained(cause: unknown, source: StackSource): CommandError {
  const { code, stderr = "" } = cause as NodeJS.ErrnoException & { stderr?: string };
  if (code === "ENOENT") {
    return new CommandError(
      "ERR_MTLS_NO_PULUMI",
      "The command pulumi is not on the PATH. Install it (https://www.pulumi.com/docs/install/) and try again.",
    );
  }
  const known = EXPLANATIONS.find(([pattern]) => pattern.test(stderr));
  if (known) return new CommandError(known[1], `${known[2](source)}.`);
  return new CommandError("ERR_MTLS_PULUMI", `pulumi stack output failed and said:\n${stderr.trim() || "nothing"}`);
}
