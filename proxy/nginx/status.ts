import { RESERVED_PATH, type Settings } from "../settings";
import { block, textOf } from "./text";

export const STATUS_PATH = `${RESERVED_PATH}status`;

/**
 * What the proxy says of itself to listed clients. The version is the one that this nginx has loaded, so that a
 * reload which nginx refused in silence shows; sync writes the file of that name with what it knows beyond.
 */
export const status = ({ destinations }: Settings): string =>
  textOf([
    block(
      `location = ${STATUS_PATH}`,
      block("if ($request_method !~ ^(GET|HEAD)$)", "return 405;"),
      "default_type application/json;",
      "add_header Cache-Control no-store;",
      "root state;",
      "try_files /$bundle_version.json @status_without_sync;",
    ),
    block(
      "location @status_without_sync",
      "default_type application/json;",
      "add_header Cache-Control no-store;",
      `return 200 '{"bundleVersion":"$bundle_version","destinations":[${destinations.map(known).join(",")}]}\\n';`,
    ),
  ]);

const known = (_: unknown, index: number): string => `$known_destination_${index}`;

/** Stands outside the server block, a variable each: nginx takes no parameter of more than 4,096 bytes, which fifty names nearly have. */
export const knownDestinations = ({ destinations }: Settings): string =>
  textOf(
    destinations.flatMap(({ name, path }, index) =>
      block(`map "" ${known(name, index)}`, `default '${JSON.stringify({ name, path })}';`),
    ),
  );
