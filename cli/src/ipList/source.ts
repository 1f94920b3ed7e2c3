import { text } from "node:stream/consumers";
import { type IpList, ingressSchema, only, parseWith, SettingsError } from "@app-builder-mtls/proxy";
import { CommandError } from "../errors";
import { readTextFile } from "../textFile";
import { ASK, askAio } from "./aio";

/**
 * Adobe's list: from a file, from stdin (`-`), or by Adobe's own command line.
 * @throws CommandError that says what to do
 */
export async function readIpList(file: string | undefined, say: (progress: string) => void): Promise<IpList> {
  if (file !== undefined) return parsed(await given(file), file === "-" ? "stdin" : file);
  say(`asking Adobe for its list, which takes some seconds: ${ASK}`);
  return parsed(await askAio(), "aio");
}

const given = (file: string): Promise<string> => (file === "-" ? text(process.stdin) : readTextFile(file));

function parsed(written: string, from: string): IpList {
  try {
    return listIn(JSON.parse(written));
  } catch (cause) {
    const why = cause instanceof SettingsError ? cause.message : "It is no JSON.";
    throw new CommandError(
      "ERR_MTLS_IP_LIST",
      `What came from ${from} is not Adobe's list, and nothing was changed. ${why}\nTo see it, type: ${ASK}`,
      { cause },
    );
  }
}

/** By the setting's own rules, so that what is written is what `pulumi up` takes. */
function listIn(ipList: unknown): IpList {
  const { ingress } = parseWith(only({ ingress: ingressSchema }), { ingress: { ipList } });
  return ingress.ipList ?? { regions: {} }; // JSON has no undefined
}
