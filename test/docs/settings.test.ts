import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseSettings, settingsFields } from "@app-builder-mtls/proxy";
import { parse } from "yaml";
import { z } from "zod";
import { codeBlocks } from "./codeBlocks";

const REPOSITORY = join(__dirname, "../..");
const PAGE = join(REPOSITORY, "docs/settings.md");

interface Line {
  place: string;
  type: string;
  /** JSON, where the page shows one. */
  default?: unknown;
  isRequired: boolean;
  example?: unknown;
}

interface Schema {
  type?: string;
  enum?: string[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
}

const ONE = { url: "https://api.example.com" };

describe("docs/settings.md", () => {
  let lines: Line[];

  before(async () => {
    lines = await linesOf(PAGE);
  });

  it("lists every setting, and nothing that is none", () => {
    assert.deepEqual(lines.map(({ place }) => place).sort(), [...fields().keys()].sort());
  });

  it("gives the type of each", () => {
    for (const { place, type } of lines) assert.equal(type, typeOf(fields().get(place)), place);
  });

  it("gives the default of each, and says which are required", () => {
    const defaults = parseSettings({ destinations: [ONE] });
    for (const line of lines) {
      if (line.isRequired) assert.equal(line.place, "destinations[].url");
      else assert.deepEqual(line.default, valueAt(defaults, line.place), line.place);
    }
  });

  it("gives an example of each that is accepted as it stands, and is not the default", () => {
    for (const { place, example, ...line } of lines) {
      if (example === undefined) {
        assert.match(place, /\.(ca|clientCert|clientKey)$/);
        continue;
      }
      const settings = parseSettings(settingsWith(place, example));
      assert.deepEqual(valueAt(settings, place), example, place);
      assert.notDeepEqual(example, line.default, place);
    }
  });

  it("shows settings that are accepted as they stand", async () => {
    const blocks = (await codeBlocks(PAGE)).filter(({ language }) => language === "yaml");
    assert.equal(blocks.length, 1);
    for (const { text } of blocks) parseSettings(parse(text));
  });

  it("names every setting that Pulumi.yaml declares", async () => {
    const { config } = parse(await readFile(join(REPOSITORY, "Pulumi.yaml"), "utf8")) as { config: object };
    const page = await readFile(PAGE, "utf8");
    for (const key of Object.keys(config)) assert.match(page, new RegExp(`^\\| \`${key}(\\[\\])?[.\`]`, "m"), key);
  });
});

async function linesOf(page: string): Promise<Line[]> {
  const rows = (await readFile(page, "utf8")).match(/^\| `[\w[\].]+` \|(.*\|){4}$/gm) ?? [];
  return rows.map((row) => {
    const [place = "", type = "", standard = "", example = ""] = row
      .split(" | ")
      .map((cell) => cell.replace(/^\| /, ""));
    return {
      place: place.replaceAll("`", ""),
      type: type.replaceAll("`", ""),
      isRequired: standard === "required",
      default: shownIn(standard.replace(/ when .*/, "")),
      example: shownIn(example),
    };
  });
}

/** The JSON in a cell, if there is any. */
function shownIn(cell: string): unknown {
  const shown = /`([^`]+)`$/.exec(cell)?.[1];
  return shown === undefined ? undefined : JSON.parse(shown);
}

/** The schema of each setting that holds no further ones, by its place. */
function fields(): Map<string, Schema> {
  const schema = z.toJSONSchema(z.object(settingsFields), { io: "input", unrepresentable: "any" }) as Schema;
  return new Map(leavesOf(schema, ""));
}

function leavesOf({ properties = {} }: Schema, prefix: string): [string, Schema][] {
  return Object.entries(properties).flatMap(([key, field]) => {
    if (field.items?.properties) return leavesOf(field.items, `${prefix}${key}[].`);
    return field.properties ? leavesOf(field, `${prefix}${key}.`) : [[`${prefix}${key}`, field]];
  });
}

function typeOf(field: Schema | undefined): string {
  if (field?.enum)
    return field.enum
      .map((value) => JSON.stringify(value))
      .join(", ")
      .replace(/, ([^,]+)$/, " or $1");
  return field?.items ? `list of ${field.items.type}s` : String(field?.type);
}

const keysOf = (place: string): (string | number)[] =>
  place.split(".").flatMap((part) => (part.endsWith("[]") ? [part.slice(0, -2), 0] : [part]));

function valueAt(settings: unknown, place: string): unknown {
  return keysOf(place).reduce<unknown>(
    (inner, key) => (inner as Record<string | number, unknown> | undefined)?.[key],
    settings,
  );
}

/** Settings that are complete but for the one that is given. */
function settingsWith(place: string, value: unknown): Record<string, unknown> {
  const [first = "", second, third] = place.split(".");
  if (first === "destinations[]" && second) return { destinations: [{ ...ONE, [second]: value }] };
  const client = { name: "a", generation: 2, ...(second && { [second]: value }) };
  if (first === "clients[]") return { destinations: [ONE], clients: [client] };
  if (place === "ingress.regions")
    return { destinations: [ONE], ingress: { ipList: { regions: { emea: ["203.0.113.64/26"] } }, regions: value } };
  if (second && third) return { destinations: [ONE], [first]: { [second]: { [third]: value } } };
  if (place === "ca.retire") return { destinations: [ONE], ca: { generation: 2, retire: value } };
  return { destinations: [ONE], [first]: second ? { [second]: value } : value };
}
