import assert from "node:assert/strict";
import fc from "fast-check";
import { nginxFiles, parseSettings, type Settings, SettingsError, type Target } from "../index";
import { type Directive, readNginxFile } from "./support/nginxSyntax";

/** What nginx, a shell, a URL parser, a regular expression or JSON could take for more than a letter. */
const CHARS = [
  ..." \t\r\n;{}\"'\\#$%&*()+?[]^|/.:@,=~!-_<>`",
  "\u0000",
  "\u007f",
  "\u00e9",
  "\u2028",
  "\ud800",
  "a",
  "0",
  "Z",
];
const WORDS = [
  "$" + "{request_uri}",
  "$1",
  "$host",
  "include /etc/passwd;",
  "return 200;",
  "%2e",
  "..",
  "\\n",
  "daemon off",
  "}}",
  "#",
];

const hostile = fc
  .array(fc.oneof(fc.constantFrom(...CHARS), fc.constantFrom(...WORDS), fc.string({ maxLength: 3 })), { maxLength: 12 })
  .map((parts) => parts.join(""));
/** Mostly hostile strings, and often enough ones that are nearly right. */
const anyString = fc.oneof(hostile, fc.stringMatching(/^[a-z0-9~._-]{1,12}$/), fc.string());

const BENIGN = {
  name: "backend",
  url: "https://api.example.com",
  path: "/pim/",
  serverName: "backend.example.com",
  client: "app-builder",
  hostname: "mtls.example.com",
  version: "1.28",
  logFormat: "json",
  address: "192.0.2.0/25",
  region: "emea",
};
type Strings = typeof BENIGN;

const settingsOf = ({ name, url, path, serverName, client, hostname, version, logFormat, ...ingress }: Strings) => ({
  destinations: [
    { name, url, path, serverName },
    { name: "other", url: "https://other.example.com", path: "/other/", stripPath: false },
    { name: "root", url: "https://root.example.com" },
  ],
  clients: [{ name: client, generation: 2, accept: [1, 2] }],
  hostname,
  nginx: { version },
  logFormat,
  ingress: { ipList: { regions: { [ingress.region]: [ingress.address] } }, addresses: [ingress.address] },
});

/** Where in a field a hostile string may stand. */
const FIELDS: Record<keyof Strings, ((text: string) => string)[]> = {
  name: [(text) => text, (text) => `a${text}b`],
  url: [
    (text) => text,
    (text) => `https://${text}`,
    (text) => `https://a${text}.example.com`,
    (text) => `https://api.example.com${text}`,
    (text) => `https://[${text}]`,
    (text) => `https://api.example.com:${text}`,
  ],
  path: [(text) => text, (text) => `/${text}`, (text) => `/a${text}b/`, (text) => `/a/${text}/b`],
  serverName: [(text) => text, (text) => `a${text}.example.com`],
  client: [(text) => text, (text) => `a${text}b`],
  hostname: [(text) => text, (text) => `a${text}.example.com`],
  version: [(text) => text, (text) => `1.28${text}`],
  logFormat: [(text) => text, (text) => `json${text}`],
  address: [(text) => text, (text) => `192.0.2.${text}`, (text) => `192.0.2.0/${text}`, (text) => `192.0.2.1${text}`],
  region: [(text) => text, (text) => `emea${text}`],
};

const TARGET: Target = { nginxVersion: "1.30.1", listen: ["0.0.0.0"], systemCa: "/etc/ca.pem", resolver: ["10.0.0.2"] };

describe("hostile settings", function () {
  this.timeout(60_000);

  for (const [field, places] of Object.entries(FIELDS) as [keyof Strings, ((text: string) => string)[]][]) {
    it(`are refused, or read by nginx as they were meant: ${field}`, () => {
      fc.assert(
        fc.property(anyString, fc.constantFrom(...places), (text, placed) => {
          const settings = parsed(settingsOf({ ...BENIGN, [field]: placed(text) }));
          if (settings) assertReadAsMeant(settings);
        }),
        { numRuns: 500 },
      );
    });
  }

  it("are refused, or read by nginx as they were meant: every field at once", () => {
    const strings = fc.record(
      Object.fromEntries(
        Object.entries(FIELDS).map(([field, places]) => [
          field,
          fc.oneof(
            fc.constant(BENIGN[field as keyof Strings]),
            fc.tuple(anyString, fc.constantFrom(...places)).map(([text, placed]) => placed(text)),
          ),
        ]),
      ),
    ) as unknown as fc.Arbitrary<Strings>;
    fc.assert(
      fc.property(strings, (given) => {
        const settings = parsed(settingsOf(given));
        if (settings) assertReadAsMeant(settings);
      }),
      { numRuns: 500 },
    );
  });

  it("of any shape are answered with settings or with the list of what is wrong, nothing else", () => {
    const key = fc.constantFrom(
      "destinations",
      "clients",
      "url",
      "path",
      "name",
      "limits",
      "ca",
      "port",
      "accept",
      "generation",
      "serverName",
    );
    const anything = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: "medium" },
        anyString,
        fc.constantFrom("https://a.example.com", "/a", "a"),
        fc.integer(),
        fc.constantFrom(null, true, Number.NaN),
        fc.array(tie("value"), { maxLength: 3 }),
        fc.dictionary(key, tie("value"), { maxKeys: 4 }),
      ),
    })).value;
    const destination = fc.dictionary(
      fc.constantFrom("url", "path", "name", "serverName", "stripPath", "ca"),
      anything,
      { maxKeys: 4 },
    );
    fc.assert(
      fc.property(fc.oneof(anything, fc.record({ destinations: fc.array(destination, { maxLength: 3 }) })), (given) => {
        parsed(given);
      }),
      { numRuns: 1_000 },
    );
  });
});

/** @throws whatever is no SettingsError */
function parsed(given: unknown): Settings | undefined {
  try {
    return parseSettings(given);
  } catch (error) {
    if (error instanceof SettingsError && error.problems.length > 0) return undefined;
    throw error;
  }
}

const meant = shapesOf(parseSettings(settingsOf(BENIGN)));

function assertReadAsMeant(settings: Settings): void {
  const [destination] = settings.destinations;
  assert.ok(destination);
  if (settings.logFormat === "json") assert.deepEqual(shapesOf(settings), meant);
  const location = readNginxFile(nginxFiles(settings, TARGET)[`destinations/${destination.name}.conf`] ?? "").find(
    ({ words, block }) => block && words[0] === "location" && words[1] !== "=",
  );
  assert.equal(location?.words[1], destination.path);
  const word = (directive: string) => location?.block?.find(({ words }) => words[0] === directive)?.words[1];
  assert.equal(word("proxy_ssl_name"), destination.serverName);
  assert.equal(
    word("proxy_pass"),
    `https://destination-${destination.name}$target_${destination.name.replaceAll("-", "_")}`,
  );
}

/** Each file's directives by name, number of words and nesting: what an injected string would change. */
function shapesOf(settings: Settings): Record<string, unknown> {
  const first = settings.destinations[0]?.name ?? "";
  const files = Object.entries(nginxFiles(settings, TARGET)).filter(([path]) => path.endsWith(".conf"));
  return Object.fromEntries(
    files.map(([path, text]) => [path.replace(`/${first}.`, "/FIRST."), readNginxFile(text).map(shapeOf)]),
  );
}

function shapeOf({ words, block }: Directive): unknown {
  return [kindOf(words[0]), words.length, block?.map(shapeOf)];
}

/** The first word of a line in a map may be a setting's; anywhere else it is a directive's name. */
function kindOf(word = ""): string {
  if (word.startsWith("~")) return "an expression";
  return /^[a-z_]+$/.test(word) ? word : "a value";
}
