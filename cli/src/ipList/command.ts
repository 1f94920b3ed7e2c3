import { type IpList, unknownRegion } from "@app-builder-mtls/proxy";
import { CommandError } from "../errors";
import type { StackSource } from "../pulumi";
import type { Terminal } from "../terminal";
import { type Changes, changesBetween, type Entry, isSame, kept, lossBetween } from "./changes";
import { readConfigured, writeConfigured } from "./configuration";
import { readIpList } from "./source";

export interface IpListOptions extends StackSource {
  regions?: string[];
  file?: string;
  check?: boolean;
  force?: boolean;
  json?: boolean;
}

/** `mtls-proxy ip-list`: Adobe's list, put where `pulumi up` takes it from. */
export async function ipList(options: IpListOptions, terminal: Terminal): Promise<void> {
  const { regions, check, force, json } = options;
  const list = await readIpList(options.file, terminal.progress);
  for (const region of regions ?? []) refuseUnknown(region, list);
  terminal.progress(`reading the configuration of the stack ${options.stack ?? "that is selected"}`);
  const configured = await readConfigured(options);
  const before = configured.ingress;
  const after = configured.with({ ipList: kept(list), ...(regions && { regions }) });

  const changes = changesBetween(before, after);
  const upToDate = isSame(before, after);
  if (!json) terminal.result(described(list, changes, upToDate));
  const { lost, of } = lossBetween(before, after);
  const refusal = upToDate
    ? undefined
    : check
      ? outdated(options)
      : lost > of / 2 && !force
        ? shrunk(lost, of)
        : undefined;
  const changed = !upToDate && !refusal;
  if (changed) {
    if (!before.ipList && !before.addresses) terminal.progress(FIRST_TIME);
    await writeConfigured(after, options);
    if (!json) terminal.result(`The stack's configuration has the list. Type: pulumi up${stackOf(options)}`);
  }
  const { version, lastUpdated } = list;
  if (json) terminal.result(JSON.stringify({ changed, upToDate, version, lastUpdated, ...changes }));
  if (refusal) throw refusal;
}

const FIRST_TIME =
  "until now every address comes in; after the next pulumi up these alone do, and not this machine's, unless it is in ingress.addresses";

const stackOf = ({ stack }: StackSource): string => (stack ? ` --stack ${stack}` : "");

function refuseUnknown(region: string, { regions }: IpList): void {
  const known = Object.keys(regions);
  if (known.includes(region)) return;
  const message = `--regions: ${JSON.stringify(region)} ${unknownRegion(region, known)}.`;
  throw new CommandError("ERR_MTLS_NO_SUCH_REGION", message, { exitCode: 2 });
}

/** For people: what comes in by the list from now on, and what no longer. */
function described(list: IpList, { added, removed, kept, regions }: Changes, upToDate: boolean): string {
  const { version = "unknown", lastUpdated = "an unknown day" } = list;
  const line = (sign: string) => (entry: Entry) => `  ${sign} ${entry.cidr.padEnd(18)} ${entry.regions.join(", ")}`;
  return [
    `Adobe's list, version ${version} of ${lastUpdated}; regions that come in: ${regions.join(", ")}`,
    ...added.map(line("+")),
    ...removed.map(line("-")),
    upToDate
      ? `The configuration is up to date: ${count(kept)}.`
      : `${added.length} added, ${removed.length} removed, ${kept} the same.`,
  ].join("\n");
}

const count = (number: number): string => (number === 1 ? "1 address or range" : `${number} addresses and ranges`);

function outdated({ stack, regions, file }: IpListOptions): CommandError {
  const again = [
    `mtls-proxy ip-list${stackOf({ stack })}`,
    ...(regions ? [`--regions ${regions.join(",")}`] : []),
    ...(file ? [`--file ${file}`] : []),
  ].join(" ");
  return new CommandError(
    "ERR_MTLS_IP_LIST_OUTDATED",
    `The stack's configuration is not Adobe's list of today. Type: ${again}`,
  );
}

function shrunk(lost: number, of: number): CommandError {
  return new CommandError(
    "ERR_MTLS_IP_LIST_SHRINKS",
    `The new list lacks ${lost} of the ${of} entries that come in now, and actions that call from there would be shut out. Nothing was changed. If Adobe's list is right, add --force.`,
  );
}
