import { SettingsError } from "@app-builder-mtls/proxy";
import { Command, InvalidArgumentError, Option } from "commander";
import { version } from "../package.json";
import { type EnvOptions, env } from "./env/command";
import { CommandError } from "./errors";
import { type IpListOptions, ipList } from "./ipList/command";
import { type LocalOptions, local } from "./local/command";
import { terminal } from "./terminal";
import { type VerifyCommandOptions, verify } from "./verify/command";

const program = new Command("mtls-proxy")
  .description("The command line of app-builder-mtls-proxy: a fixed address with mutual TLS in front of your backend.")
  .version(version)
  .showHelpAfterError("(add --help for what is possible)")
  .configureOutput({ outputError: (text, write) => write(said("ERR_MTLS_USAGE", text.replace(/^error: /, ""))) })
  .exitOverride((end) => process.exit(end.exitCode === 0 ? 0 : 2));

program
  .command("local")
  .description(
    "run the proxy on this machine: the same nginx files as in the cloud, certificates of its own, an .env for your app",
  )
  .option("--destination <url>", "the backend, https://HOST or https://HOST:PORT")
  .option("--destination-ca <file>", "the CA that signs the backend's certificate, when it is not a public one (PEM)")
  .option("--settings <file>", "settings in YAML or JSON in place of --destination; see docs/settings.md")
  .option("--port <number>", "443 or 10000 to 20000 (default: the first free one from 10443)", asNumber)
  .option("--dir <directory>", "where certificates, files and logs are kept, for you alone", ".mtls-proxy")
  .option("--file <file>", "the .env that receives the credentials (default: .env in --dir)")
  .option("--client <name>", "whose credentials (default: the first client of the settings)")
  .option("--json", "one JSON object when it serves, then the log's own JSON lines")
  .action((options: LocalOptions) => local(options, terminal));

program
  .command("env")
  .description("put a stack's credentials into an application's .env, and leave everything else in it alone")
  .option("--stack <name>", "the Pulumi stack (default: the one that is selected)")
  .option("--file <file>", "the .env to write; made when it is not there, readable for you alone")
  .option("--client <name>", "whose credentials (default: the first client of the settings)")
  .option("--check", "write nothing; exit 1 when the file is out of date")
  .option("--stdout", "print the variables in place of writing them; they hold a private key")
  .addOption(
    new Option("--format <format>", "github: into GITHUB_ENV, for the steps that follow, masked in their logs").choices(
      ["dotenv", "github"],
    ),
  )
  .option("--json", "say what was done as JSON; with --stdout, the variables as JSON")
  .option("--cwd <directory>", "where Pulumi.yaml is (default: here)")
  .action((options: EnvOptions) => env(options, terminal));

program
  .command("verify")
  .description("ask a proxy from outside whether it keeps what it promises; changes nothing, needs no AWS access")
  .option("--stack <name>", "the Pulumi stack whose proxy it is")
  .option("--cwd <directory>", "where Pulumi.yaml is (default: here)")
  .option("--client <name>", "as which of the stack's clients (default: the first)")
  .option("--file <file>", "an application's .env in place of --stack")
  .option("--endpoint <url>", "https://HOST or https://HOST:PORT, with --cert, --key and --ca in place of --stack")
  .option("--cert <file>", "the client's certificate (PEM)")
  .option("--key <file>", "its key (PEM)")
  .option("--ca <file>", "the CA of the stack (PEM)")
  .option("--wait [seconds]", "wait first for a machine that is still booting (default: 300)", asNumber)
  .option("--slow <seconds>", "how long a destination may take for its first byte", asNumber, 5)
  .option("--old-cert <file>", "a certificate of an old generation, which must be refused (PEM)")
  .option("--old-key <file>", "its key (PEM)")
  .option("--echo-url <path>", "a path at the proxy whose destination answers with the address that it sees")
  .option("--expect-egress <addresses>", "which address that may be (default: the stack's egressIps)", asList)
  .option("--json", "the result as one JSON object")
  .action((options: VerifyCommandOptions) => verify(options, terminal));

program
  .command("ip-list")
  .description(
    "put Adobe's list of the addresses that actions call from into a stack's configuration, and tell what changes",
  )
  .option("--stack <name>", "the Pulumi stack (default: the one that is selected)")
  .option(
    "--regions <names>",
    "whose addresses may come in, such as amer,emea (default: as configured, else all)",
    asList,
  )
  .option(
    "--file <file>",
    "the list as aio printed it, or - for stdin, in place of running: aio runtime ip-list get --json",
  )
  .option("--check", "write nothing; exit 1 when the configuration is out of date")
  .option("--force", "write the list even when it lost more than half of its addresses")
  .option("--json", "say what changes as JSON")
  .option("--cwd <directory>", "where Pulumi.yaml is (default: here)")
  .action((options: IpListOptions) => ipList(options, terminal));

program.parseAsync().catch((error: unknown) => {
  if (error instanceof CommandError) fail(error, error.exitCode);
  if (error instanceof SettingsError) fail(error, 2);
  throw error;
});

function asNumber(value: string): number {
  if (!/^\d+$/.test(value)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(value);
}

function asList(value: string): string[] {
  return value.split(",").map((one) => one.trim());
}

function fail({ code, message }: CommandError | SettingsError, exitCode: number): never {
  process.stderr.write(said(code, `${message}\n`));
  process.exit(exitCode);
}

/** The code stands first: messages have several lines, or end with what to type next. */
function said(code: string, message: string): string {
  return `mtls-proxy: error ${code}: ${message}`;
}
