import { execFile } from "node:child_process";
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";

export const REPOSITORY = join(__dirname, "../..");
const PROJECT = "app-builder-mtls";

/** What an operation did to each resource, by `type name`: `aws:ec2/instance:Instance mtls-proxy-machine`. */
export type Changes = Record<string, string>;

/** How an operation ended. */
export interface Outcome {
  succeeded: boolean;
  /** Everything it printed. */
  text: string;
  errors: string[];
  warnings: string[];
  /** Without what stayed the same. */
  changes: Changes;
}

export interface StackOutputs {
  endpoint: string;
  clientCert: string;
  clientKey: string;
  caCert: string;
  clients: Record<string, { endpoint: string; clientCert: string; clientKey: string; caCert: string }>;
  egressIps: string[];
  bundleVersion: string;
  dashboardUrl?: string;
  logGroup?: string;
  hostnameTarget?: string;
}

/**
 * A stack of this repository's own program, made by the real `pulumi` on the PATH, with a state, a configuration and
 * a passphrase of its own. Nothing of it stays in the repository.
 */
export class Stack implements AsyncDisposable {
  private static made = 0;
  readonly name = `engine-test-${process.pid}-${Stack.made++}`;

  private constructor(private readonly directory: string) {}

  static async create(): Promise<Stack> {
    assertEmulated();
    const stack = new Stack(await mkdtemp(join(tmpdir(), "mtls-proxy-engine-")));
    const written = join(REPOSITORY, `Pulumi.${stack.name}.yaml`);
    try {
      const { code, text } = await stack.pulumi(["stack", "init", stack.name, "--no-select"]);
      if (code !== 0) throw new Error(`pulumi stack init failed:\n${text}`);
      await rename(written, stack.configFile);
      return stack;
    } catch (error) {
      await stack[Symbol.asyncDispose]();
      throw error;
    } finally {
      await rm(written, { force: true });
    }
  }

  /** What takes the place of `Pulumi.NAME.yaml`, so that the repository stays as it is. */
  get configFile(): string {
    return join(this.directory, "config.yaml");
  }

  /** Sets the whole configuration anew, except for what `encrypt` has set. */
  async configure(settings: Record<string, unknown>): Promise<void> {
    const file = parse(await readFile(this.configFile, "utf8"));
    file.config = Object.fromEntries(Object.entries(settings).map(([key, value]) => [`${PROJECT}:${key}`, value]));
    await writeFile(this.configFile, stringify(file));
  }

  /** Adds one encrypted value by its path, as `pulumi config set --secret --path` does for a user. */
  async encrypt(path: string, value: string): Promise<void> {
    const { code, text } = await this.pulumi(["config", "set", "--secret", "--path", path, ...this.place], {
      stdin: value,
    });
    if (code !== 0) throw new Error(`pulumi config set failed:\n${text}`);
  }

  /** @param except resources that are left as they are, by `TYPE NAME` as in {@link Changes} */
  up = (environment: NodeJS.ProcessEnv = {}, except: string[] = []) =>
    this.operate(["up", "--yes", "--skip-preview", ...except.flatMap(excluded)], environment);
  preview = (environment: NodeJS.ProcessEnv = {}) => this.operate(["preview"], environment);
  refresh = () => this.operate(["refresh", "--yes", "--skip-preview"]);
  destroy = () => this.operate(["destroy", "--yes", "--skip-preview"]);
  /** As a person does it, who is shown first what goes. */
  destroyAfterPreview = () => this.operate(["destroy", "--yes"]);

  async outputs(): Promise<StackOutputs> {
    const { text } = await this.pulumi(["stack", "output", "--json", "--show-secrets", "--stack", this.name]);
    return JSON.parse(text);
  }

  /** The state as it is stored, secrets encrypted. */
  async exported(): Promise<string> {
    const { text } = await this.pulumi(["stack", "export", "--stack", this.name]);
    return text;
  }

  async resources(): Promise<{ urn: string; type: string; id?: string }[]> {
    return JSON.parse(await this.exported()).deployment.resources ?? [];
  }

  /** In which any `pulumi` finds this stack and can open its secrets. */
  get environment(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      PULUMI_BACKEND_URL: `file://${this.directory}`,
      PULUMI_CONFIG_PASSPHRASE: "only for tests",
      PULUMI_SKIP_UPDATE_CHECK: "true",
    };
  }

  private get place(): string[] {
    return ["--stack", this.name, "--config-file", this.configFile];
  }

  private async operate(command: string[], environment: NodeJS.ProcessEnv = {}): Promise<Outcome> {
    const log = join(this.directory, "events.json");
    await rm(log, { force: true });
    const { code, text } = await this.pulumi([...command, ...this.place, "--event-log", log], { environment });
    return { succeeded: code === 0, text, ...read(await readFile(log, "utf8").catch(() => "")) };
  }

  private pulumi(
    args: string[],
    { environment = {}, stdin = "" }: { environment?: NodeJS.ProcessEnv; stdin?: string } = {},
  ) {
    const env = {
      ...this.environment,
      PULUMI_DEBUG_COMMANDS: "true", // brings --event-log, as for Pulumi's own Automation API
      ...environment,
    };
    return new Promise<{ code: number; text: string }>((resolve, reject) => {
      const child = execFile(
        "pulumi",
        ["--non-interactive", "--color", "never", "--cwd", REPOSITORY, ...args],
        { env, maxBuffer: 64 * 1024 * 1024 },
        (error, stdout, stderr) => {
          if (error && "code" in error && error.code === "ENOENT") {
            reject(
              new Error("These tests need `pulumi` on the PATH: see https://www.pulumi.com/docs/install/.", {
                cause: error,
              }),
            );
            return;
          }
          const reading = args.includes("--json") || args.includes("export");
          resolve({ code: error ? 1 : 0, text: reading && !error ? stdout : stdout + stderr });
        },
      );
      child.stdin?.end(stdin);
    });
  }

  /** Forgets the state and the configuration; what is left in the emulated account stays there. */
  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}

const excluded = (resource: string): string[] => ["--exclude", `**${resource.replace(" ", "::")}`];

/** These tests make and destroy: they must never meet a real account. */
function assertEmulated(): void {
  if (process.env.AWS_ENDPOINT_URL) return;
  throw new Error(
    "These tests need an emulated AWS: start moto_server and set AWS_ENDPOINT_URL, AWS_REGION and any AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
  );
}

interface EngineEvent {
  resourcePreEvent?: { metadata: { op: string; urn: string; type: string } };
  diagnosticEvent?: { severity: string; message: string };
}

const UNCHANGED = new Set(["same", "read", "refresh"]);
/** A replacement is announced three times; once is enough. */
const PARTS_OF_REPLACING = new Set(["create-replacement", "delete-replaced"]);

function read(log: string): Pick<Outcome, "changes" | "errors" | "warnings"> {
  const events: EngineEvent[] = log
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const steps = events.flatMap(({ resourcePreEvent }) => resourcePreEvent?.metadata ?? []);
  const told = (severity: string) =>
    events.flatMap(({ diagnosticEvent }) =>
      diagnosticEvent?.severity === severity ? [diagnosticEvent.message.trim()] : [],
    );
  return {
    changes: Object.fromEntries(
      steps
        .filter(({ op }) => !UNCHANGED.has(op) && !PARTS_OF_REPLACING.has(op))
        .map(({ op, urn, type }) => [`${type} ${urn.split("::").at(-1)}`, op]),
    ),
    errors: told("error"),
    warnings: told("warning"),
  };
}
