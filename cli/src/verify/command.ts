import { CommandError } from "../errors";
import type { Terminal } from "../terminal";
import { asJson, asTable } from "./report";
import { type SourceOptions, subjectFrom } from "./source";
import { REQUEST_PATH, type Subject } from "./subject";
import { verifyProxy } from "./verify";
import { waitForProxy } from "./wait";

export interface VerifyCommandOptions extends SourceOptions {
  /** Seconds; `true` when the option is given without a number. */
  wait?: number | true;
  /** Seconds. */
  slow: number;
  echoUrl?: string;
  json?: boolean;
}

/** Seconds: a new machine installs nginx and fetches its bundle in about two minutes. */
const WAIT_SECONDS = 300;

/** `mtls-proxy verify`: whether the proxy keeps what it promises, asked from outside. */
export async function verify(options: VerifyCommandOptions, terminal: Terminal): Promise<void> {
  const { wait, slow, echoUrl, json } = options;
  if (options.stack) terminal.progress(`reading the outputs of the stack ${options.stack}`);
  const subject = await subjectFrom(options);
  refuseEcho(echoUrl, subject);
  if (wait) await waitForProxy(subject, wait === true ? WAIT_SECONDS : wait, terminal);
  const started = performance.now();
  const checks = await verifyProxy(
    subject,
    { slowMs: slow * 1000, ...(echoUrl && { echoPath: echoUrl }) },
    terminal.progress,
  );
  const report = { endpoint: subject.endpoint, durationMs: Math.round(performance.now() - started), checks };
  terminal.result(json ? asJson(report) : asTable(report, isColoured()));
  const failures = checks.filter(({ outcome }) => outcome === "failed");
  if (failures.length > 0) {
    const names = failures.map(({ check }) => check).join(", ");
    throw new CommandError("ERR_MTLS_VERIFY_FAILED", `${failures.length} of ${checks.length} checks failed: ${names}.`);
  }
}

function refuseEcho(echoUrl: string | undefined, { egressIps }: Subject): void {
  if (!echoUrl) return;
  const complaint = !REQUEST_PATH.test(echoUrl)
    ? "--echo-url takes a path at the proxy, such as /echo/ip, whose destination answers with the address that it sees."
    : egressIps.length === 0
      ? "--echo-url has nothing to compare with: give the addresses with --expect-egress, or use --stack."
      : undefined;
  if (complaint) throw new CommandError("ERR_MTLS_USAGE", complaint, { exitCode: 2 });
}

/** https://no-color.org */
const isColoured = (): boolean => process.stdout.isTTY === true && !process.env.NO_COLOR;
