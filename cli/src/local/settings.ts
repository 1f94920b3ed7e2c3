import { parseSettings, type Settings } from "@app-builder-mtls/proxy";
import { parse } from "yaml";
import { CommandError } from "../errors";
import { readTextFile } from "../textFile";
import { freePort } from "./ports";

export interface LocalSettingsOptions {
  destination?: string;
  destinationCa?: string;
  settings?: string;
  port?: number;
}

/**
 * The settings of a local proxy: from a file, or for one destination given by its URL. Destinations on this machine are allowed here and nowhere else.
 * @throws CommandError for a file that cannot be read, SettingsError for what is in it
 */
export async function localSettings(options: LocalSettingsOptions): Promise<Settings> {
  const given = options.settings ? await readSettingsFile(options.settings) : await oneDestination(options);
  const port = options.port ?? (isNumber(given.port) ? given.port : await freePort());
  return parseSettings({ ...given, port, allowLocalDestinations: true });
}

const isNumber = (value: unknown): value is number => typeof value === "number";

async function oneDestination({ destination, destinationCa }: LocalSettingsOptions): Promise<Record<string, unknown>> {
  if (!destination) {
    throw new CommandError(
      "ERR_MTLS_USAGE",
      "A local proxy needs a backend. Type: mtls-proxy local --destination https://api.myhost.com, or give a file with --settings.",
      { exitCode: 2 },
    );
  }
  const ca = destinationCa && (await read(destinationCa));
  return { destinations: [{ url: destination, ...(ca && { ca }) }] };
}

async function readSettingsFile(path: string): Promise<Record<string, unknown>> {
  const text = await read(path);
  try {
    const content: unknown = parse(text);
    if (typeof content === "object" && content !== null && !Array.isArray(content))
      return content as Record<string, unknown>;
  } catch (cause) {
    throw new CommandError("ERR_MTLS_SETTINGS_FILE", `${path} is neither YAML nor JSON; mend it and try again.`, {
      cause,
    });
  }
  throw new CommandError("ERR_MTLS_SETTINGS_FILE", `${path} holds no settings; it should begin with "destinations:".`);
}

const read = (path: string): Promise<string> => readTextFile(path, "ERR_MTLS_SETTINGS_FILE");
