import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { parseSettings, SettingsError } from "../index";

const one = { url: "https://api.example.com" };

/** Settings with one destination that is right but for what is given. */
const withDestination = (given: Record<string, unknown>) => ({ destinations: [{ ...one, ...given }] });
const withSetting = (given: Record<string, unknown>) => ({ destinations: [one], ...given });

interface Refusal {
  what: string;
  settings: unknown;
  place: string;
  allowed: RegExp;
  given?: string;
}

const URL_RULE = /must be https:\/\/HOST or https:\/\/HOST:PORT, without user, path, query or fragment/;
const PUBLIC_RULE = /must be reachable over the internet, not loopback, link-local or private/;
const METADATA_RULE = /must never be the machine's metadata service/;
const PATH_RULE = /must be a path such as \/pim\//;
const LABEL_RULE = /must be a DNS label/;
const PORT_RULE = /must be 443 or from 10000 to 20000/;

const url = (value: unknown, allowed = URL_RULE): Refusal => ({
  what: `a url of ${JSON.stringify(value)}`,
  settings: withDestination({ url: value, serverName: "api.example.com" }),
  place: "destinations[0].url",
  allowed,
});
const path = (value: unknown): Refusal => ({
  what: `a path of ${JSON.stringify(value)}`,
  settings: withDestination({ path: value }),
  place: "destinations[0].path",
  allowed: PATH_RULE,
});
const name = (value: unknown): Refusal => ({
  what: `a name of ${JSON.stringify(value)}`,
  settings: { destinations: [{ ...one, name: value }], clients: [{ name: value }] },
  place: "clients[0].name",
  allowed: LABEL_RULE,
});
const setting = (place: string, value: unknown, allowed: RegExp): Refusal => ({
  what: `${place} of ${JSON.stringify(value)}`,
  settings: withSetting(nested(place, value)),
  place,
  allowed,
});
const destination = (key: string, value: unknown, allowed: RegExp): Refusal => ({
  what: `a destination's ${key} of ${JSON.stringify(value)}`,
  settings: withDestination({ [key]: value }),
  place: `destinations[0].${key}`,
  allowed,
});

/** The same, with the problem in the first item of the list. */
function inFirstItem(refusal: Refusal): Refusal {
  return { ...refusal, place: `${refusal.place}[0]` };
}

const nested = (place: string, value: unknown): Record<string, unknown> =>
  place.split(".").reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Record<string, unknown>;

const REFUSALS: Refusal[] = [
  {
    what: "no destinations",
    settings: { destinations: [] },
    place: "destinations",
    allowed: /must list at least one destination/,
  },
  {
    what: "destinations left out",
    settings: {},
    place: "destinations",
    allowed: /must be a list with at least one destination/,
    given: "nothing",
  },
  {
    what: "more destinations than fit",
    settings: { destinations: Array(51).fill(one) },
    place: "destinations",
    allowed: /50 destinations at most/,
  },
  {
    what: "settings that are a list",
    settings: [],
    place: "settings",
    allowed: /must be an object with destinations, clients/,
  },
  {
    what: "a destination that is a string",
    settings: { destinations: ["https://a.example.com"] },
    place: "destinations[0]",
    allowed: /must be an object with name, url/,
  },

  ...[
    "http://api.example.com",
    "HTTP://api.example.com",
    "ftp://api.example.com",
    "api.example.com",
    "//api.example.com",
    "https:api.example.com",
    "https://",
    "https:///x",
    "https://api.example.com/v1",
    "https://api.example.com//",
    "https://api.example.com?key=1",
    "https://api.example.com#top",
    "https://user@api.example.com",
    "https://user:password@api.example.com",
    "https://api.example.com:0",
    "https://api.example.com:65536",
    "https://api.example.com:",
    "https://api.example.com:443x",
    "https://api.example.com.",
    "https://.example.com",
    "https://api..example.com",
    "https://-api.example.com",
    "https://api_1.example.com",
    "https://*.example.com",
    "https://b\u00fccher.example.com",
    "https://api.example.com;",
    "https://api.example.com\n",
    " https://api.example.com",
    "https://api.example.com $host",
    "https://$host",
    "https://{a}",
    "https://0x7f.1",
    "https://2130706433",
    "https://127.1",
    "https://[::1",
    "https://[fe80::1%25eth0]",
    `https://${"a".repeat(64)}.example.com`,
    "unix:/run/backend.sock",
    7,
    null,
  ].map((value) => url(value)),
  ...[
    "https://localhost",
    "https://LOCALHOST",
    "https://backend",
    "https://a.localhost",
    "https://printer.local",
    "https://ip-10-0-0-1.ec2.internal",
    "https://127.0.0.1",
    "https://127.8.8.8",
    "https://0.0.0.0",
    "https://10.1.2.3",
    "https://172.16.0.1",
    "https://192.168.1.1",
    "https://100.64.0.1",
    "https://169.254.1.1",
    "https://192.0.2.1",
    "https://224.0.0.1",
    "https://255.255.255.255",
    "https://[::]",
    "https://[::1]",
    "https://[fe80::1]",
    "https://[fc00::1]",
    "https://[fd12:3456::1]",
    "https://[ff02::1]",
    "https://[::ffff:10.0.0.1]",
    "https://[::ffff:7f00:1]",
    "https://[64:ff9b::1.1.1.1]",
    "https://[2002:a00:1::]",
  ].map((value) => url(value, value.includes(".1.1.1]") || value.includes("10.0.0.1]") ? /./ : PUBLIC_RULE)),
  ...[
    "https://169.254.169.254",
    "https://169.254.170.2",
    "https://[fd00:ec2::254]",
    "https://[::ffff:a9fe:a9fe]",
    "https://[64:ff9b::a9fe:a9fe]",
  ].map((value) => url(value, METADATA_RULE)),

  ...[
    "",
    "pim",
    "pim/",
    "//",
    "/pim//x/",
    "/../",
    "/./",
    "/.well-known/",
    "/.mtls-proxy/",
    "/a b/",
    "/a%20b/",
    "/a;b/",
    "/a{b}/",
    "/$uri/",
    "/a'b/",
    '/a"b/',
    "/a\\b/",
    "/a#b/",
    "/a?b/",
    "/a\n/",
    "/\u00e9/",
    "/a*/",
    "/(a)/",
    `/${"a".repeat(200)}/`,
    7,
    null,
  ].map(path),
  ...[
    "",
    "A",
    "a_b",
    "a.b",
    "-a",
    "a-",
    "a b",
    "a;",
    "a\n",
    "\u00e9",
    "../a",
    "a/b",
    "$host",
    "a".repeat(64),
    7,
    null,
  ].map(name),

  {
    what: "two destinations of one name",
    settings: {
      destinations: [
        { ...one, path: "/a/" },
        { ...one, path: "/b/" },
      ],
    },
    place: "destinations[1].name",
    allowed: /must differ from the other destinations' names; give it a name of its own/,
    given: "api-example-com",
  },
  ...(
    [
      ["/a/", "/a/"],
      ["/a", "/a/"],
      ["/", "/"],
      ["/a/", "/a/b/"],
      ["/a/b/c/", "/a/"],
    ] as const
  ).map(([first, second]) => ({
    what: `a path of ${second} beside ${first}`,
    settings: {
      destinations: [
        { ...one, name: "one", path: first },
        { ...one, name: "two", path: second },
      ],
    },
    place: "destinations[1].path",
    allowed: /must be neither the same as, nor inside, nor around .* of one/,
  })),
  {
    what: "an address without the name in its certificate",
    settings: { destinations: [{ url: "https://93.184.215.14" }] },
    place: "destinations[0].serverName",
    allowed: /must be given beside a url with an address/,
    given: "nothing",
  },

  ...[
    "",
    "API.example.com",
    "api.example.com.",
    "api_1.example.com",
    "*.example.com",
    "a b",
    "a;b",
    "a\n",
    "$host",
    "127.0.0.1",
    "1.2.3",
    "::1",
    7,
  ].map((value) => destination("serverName", value, /must be the host name in the destination's certificate/)),
  ...["yes", 1, null].map((value) => destination("stripPath", value, /must be true or false/)),
  ...[0, 61, 1.5, -1, "5", Number.NaN, Number.POSITIVE_INFINITY].map((value) =>
    destination("connectTimeoutSeconds", value, /whole number from 1 to 60 \(seconds\)/),
  ),
  ...[0, 3601, 0.5, "60s", null].map((value) =>
    destination("readTimeoutSeconds", value, /whole number from 1 to 3600 \(seconds\)/),
  ),
  ...["", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", 7].map((value) =>
    destination("ca", value, /must be certificates in PEM form/),
  ),
  ...["", "x"].map((value) => destination("clientCert", value, /must be certificates in PEM form/)),
  ...["", "x"].map((value) =>
    destination("clientKey", value, /must be one private key in PEM form without a passphrase/),
  ),
  destination("clientKey", rsaKey(1024), /must be an RSA key of 2048 bits at least/),
  destination("clientKey", rsaKey(2048, "a passphrase"), /without a passphrase/),
  {
    ...destination("clientKey", rsaKey(2048), /must be given together with clientKey/),
    place: "destinations[0].clientCert",
  },

  setting("clients", [], /must list at least one client/),
  setting(
    "clients",
    Array.from({ length: 101 }, (_, index) => ({ name: `client-${index}` })),
    /100 clients at most/,
  ),
  {
    ...setting("clients", [{ name: "a" }, { name: "a" }], /must differ from the other clients' names/),
    place: "clients[1].name",
  },
  {
    ...setting("clients", [{ name: "probe" }], /must not be probe, which the proxy keeps for itself/),
    place: "clients[0].name",
  },
  { ...setting("clients", [{}], LABEL_RULE), place: "clients[0].name" },
  ...[0, -1, 1.5, "1", 1_000_001].map((generation) => ({
    ...setting("clients", [{ name: "a", generation }], /must be a whole number from 1 to 1000000/),
    place: "clients[0].generation",
  })),
  {
    ...setting("clients", [{ name: "a", accept: [] }], /must list at least one generation/),
    place: "clients[0].accept",
  },
  { ...setting("clients", [{ name: "a", accept: 1 }], /must be a list of generations/), place: "clients[0].accept" },
  { ...setting("clients", [{ name: "a", accept: [1, 0] }], /must be a whole number/), place: "clients[0].accept[1]" },
  {
    ...setting("clients", [{ name: "a", accept: Array(11).fill(1) }], /10 generations at most/),
    place: "clients[0].accept",
  },
  {
    ...setting(
      "clients",
      [{ name: "a", generation: 3, accept: [1, 2] }],
      /must include 3, the generation that is issued/,
    ),
    place: "clients[0].accept",
    given: "[1,2]",
  },

  ...[0, 80, 444, 8443, 9999, 20_001, 443.5, "443", null].map((value) => setting("port", value, PORT_RULE)),
  ...[
    "",
    "proxy",
    "MTLS.example.com",
    "mtls.example.com.",
    "https://mtls.example.com",
    "a b.example.com",
    "mtls.example.com;",
    "203.0.113.7",
    7,
  ].map((value) => setting("hostname", value, /must be a full host name in lower case/)),
  ...["XML", "", 7].map((value) => setting("logFormat", value, /must be json or text/)),
  ...["yes", 0].map((value) => setting("allowLocalDestinations", value, /must be true or false/)),
  ...[0, 10_241, 1.5, "100m"].map((value) =>
    setting("limits.bodyMegabytes", value, /whole number from 1 to 10240 \(MiB\)/),
  ),
  ...["requestsPerSecondPerClient", "requestsPerSecondPerAddress"].map((key) =>
    setting(`limits.${key}`, 100_001, /whole number from 0 to 100000 \(0 is no limit\)/),
  ),
  ...["concurrentRequestsPerClient", "concurrentRequestsPerAddress"].map((key) =>
    setting(`limits.${key}`, -1, /whole number from 0 to 65535 \(0 is no limit\)/),
  ),
  ...["ECDSA", "RSA-1024", "rsa-2048", 7].map((value) =>
    setting("certificates.keyAlgorithm", value, /must be one of ECDSA-P256, RSA-2048, RSA-4096/),
  ),
  ...[6, 826].map((value) => setting("certificates.leafDays", value, /whole number from 7 to 825 \(days\)/)),
  ...[0, 401].map((value) => setting("certificates.renewDays", value, /whole number from 1 to 400 \(days\)/)),
  ...[29, 7_301].map((value) => setting("certificates.caDays", value, /whole number from 30 to 7300 \(days\)/)),
  setting("certificates.renewDays", 365, /must be less than leafDays \(365\), or every run would renew/),
  setting("certificates.caDays", 365, /must be more than leafDays \(365\): no certificate may outlive its CA/),
  ...[0, "1"].map((value) => setting("ca.generation", value, /whole number from 1 to 1000000/)),
  ...[-1, "1"].map((value) => setting("ca.retire", value, /whole number from 0 to 1000000/)),
  ...(
    [
      [{ generation: 1, retire: 1 }, /must be 0 beside generation 1: every CA up to it is no longer trusted/],
      [{ generation: 3 }, /must be 1 or 2 beside generation 3: .*, and 2 are trusted at most/],
      [{ generation: 3, retire: 3 }, /must be 1 or 2 beside generation 3/],
    ] as const
  ).map(([ca, allowed]) => ({
    what: `the CAs ${JSON.stringify(ca)}`,
    settings: withSetting({ ca }),
    place: "ca.retire",
    allowed,
  })),
  ...["1.21.6", "1.9", "2", "1.28.0.1", "v1.28", "1.28; daemon off", "", 1.28].map((value) =>
    setting("nginx.version", value, /must be a version such as 1.28 or 1.30.1, 1.22.0 at least/),
  ),

  {
    what: "an unknown setting",
    settings: withSetting({ client: [] }),
    place: "client",
    allowed: /unknown setting, did you mean clients\?/,
  },
  {
    what: "an unknown setting of a destination",
    settings: withDestination({ striPpath: true }),
    place: "destinations[0].striPpath",
    allowed: /did you mean stripPath\?/,
  },
  {
    what: "an unknown setting of a client",
    settings: withSetting({ clients: [{ name: "a", accepts: [1] }] }),
    place: "clients[0].accepts",
    allowed: /did you mean accept\?/,
  },
  ...(["limits.bodyMegabyte", "certificates.leafDay", "ca.generations", "nginx.versions"] as const).map((place) => ({
    ...setting(
      place,
      1,
      new RegExp(
        `did you mean ${place
          .split(".")[1]
          ?.replace("bodyMegabyte", "bodyMegabytes")
          .replace("leafDay", "leafDays")
          .replace(/^(generation|version)s$/, "$1")}\\?`,
      ),
    ),
    what: `an unknown setting ${place}`,
  })),
  ...[
    "192.0.2",
    "192.0.2.1.2",
    "192.0.2.256",
    "192.0.02.1",
    "0xc0.0.2.1",
    "192.0.2.1/33",
    "192.0.2.0/",
    "192.0.2.0/024",
    "192.0.2.0/24/24",
    " 192.0.2.1",
    "192.0.2.1;",
    "example.com",
    "2001:db8::1",
    "",
  ]
    .map((one) => setting("ingress.addresses", [one], /must be an IPv4 address or range, such as 192\.0\.2\.1/))
    .map(inFirstItem),
  inFirstItem(
    setting(
      "ingress.addresses",
      ["192.0.2.77/24"],
      /must be 192\.0\.2\.0\/24 for the whole range, or 192\.0\.2\.77 for the one address/,
    ),
  ),
  inFirstItem(
    setting("ingress.addresses", ["0.0.0.0/0"], /must be a \/8 or narrower; to let everybody in, leave ingress/),
  ),
  inFirstItem(setting("ingress.addresses", ["16.0.0.0/7"], /must be a \/8 or narrower/)),
  inFirstItem(setting("ingress.addresses", [1], /must be a list of IPv4 addresses and ranges/)),
  setting("ingress.addresses", "192.0.2.1", /must be a list of IPv4 addresses and ranges/),
  setting("ingress.addresses", [], /must list at least one address, or be left out/),
  setting("ingress.addresses", Array(2_001).fill("192.0.2.1"), /must list 2000 at most/),
  setting(
    "ingress.addresses",
    Array.from({ length: 256 }, (_, first) => `${first}.0.0.0/8`),
    /must hold 268435456 addresses at most, a sixteenth/,
  ),
  setting("ingress.ipList", ["192.0.2.1"], /must be what `aio runtime ip-list get --json` prints/),
  setting("ingress.ipList.regions", ["192.0.2.1"], /must be what `aio runtime ip-list get --json` prints/),
  setting("ingress.ipList.regions", {}, /must have a region at least/),
  setting("ingress.ipList.regions", { "a;b": ["192.0.2.1"] }, /must have regions named by lower-case letters/),
  setting("ingress.ipList.regions", { emea: [], amer: ["2001:db8::/32"] }, /must leave an IPv4 address in the list/),
  ...["2001:db8::/129", "2001:db8::/", "2001:db8::/1/1"].map((one) => ({
    ...setting("ingress.ipList.regions", { emea: [one] }, /must be an IPv4 address or range/),
    place: "ingress.ipList.regions.emea[0]",
  })),
  {
    ...setting("ingress.ipList.regions", { emea: ["0.0.0.0/1"] }, /must be a \/8 or narrower/),
    place: "ingress.ipList.regions.emea[0]",
  },
  {
    ...setting(
      "ingress.ipList.regions",
      { a: Array.from({ length: 17 }, (_, first) => `${first + 1}.0.0.0/8`) },
      /268435456 addresses at most/,
    ),
    place: "ingress.ipList",
  },
  setting("ingress.regions", [], /must list at least one region, or be left out for all of them/),
  setting("ingress.regions", "emea", /must be a list of regions/),
  setting("ingress.regions", ["emea"], /must be given together with ipList, whose regions it chooses from/),
  inFirstItem(setting("ingress.regions", [1], /must be names of regions/)),
  {
    what: "a region that the list has not",
    settings: withSetting({ ingress: { ipList: { regions: { emea: ["192.0.2.1"], aus: [] } }, regions: ["emae"] } }),
    place: "ingress.regions[0]",
    allowed: /must be a region of the list, did you mean emea\? It has aus, emea/,
  },
  {
    what: "a region without an address",
    settings: withSetting({ ingress: { ipList: { regions: { emea: ["192.0.2.1"], aus: [] } }, regions: ["aus"] } }),
    place: "ingress.regions",
    allowed: /must leave an IPv4 address in the list/,
  },
  {
    what: "an unknown setting of ingress",
    settings: withSetting({ ingress: { address: ["192.0.2.1"] } }),
    place: "ingress.address",
    allowed: /did you mean addresses\?/,
  },
  {
    what: "a prototype in place of a setting",
    settings: JSON.parse('{"destinations":[{"url":"https://api.example.com"}],"__proto__":{"port":1}}'),
    place: "__proto__",
    allowed: /unknown setting/,
  },
];

describe("settings", () => {
  for (const { what, settings, place, allowed, given } of REFUSALS) {
    it(`refuse ${what.length > 100 ? `${what.slice(0, 100)}…` : what}`, () => {
      const problem = problemsOf(settings).find((one) => one.place === place && allowed.test(one.allowed));
      assert.ok(problem, `a problem at ${place}`);
      if (given) assert.match(problem.given, new RegExp(given.replace(/[[\]]/g, "\\$&")));
    });
  }

  it("are complete with defaults when one destination is given", () => {
    assert.deepEqual(parseSettings({ destinations: [one] }), {
      destinations: [
        {
          name: "api-example-com",
          url: "https://api.example.com",
          path: "/",
          stripPath: true,
          connectTimeoutSeconds: 5,
          readTimeoutSeconds: 60,
        },
      ],
      clients: [{ name: "app-builder", generation: 1, accept: [1] }],
      port: 443,
      ingress: {},
      limits: {
        bodyMegabytes: 100,
        requestsPerSecondPerClient: 500,
        requestsPerSecondPerAddress: 500,
        concurrentRequestsPerClient: 2_000,
        concurrentRequestsPerAddress: 1_000,
      },
      logFormat: "json",
      certificates: { keyAlgorithm: "ECDSA-P256", leafDays: 365, renewDays: 60, caDays: 3_650 },
      ca: { generation: 1, retire: 0 },
      nginx: { version: "1.28" },
      allowLocalDestinations: false,
    });
  });

  it("take what is written in other ways as the same", () => {
    const [first] = parseSettings({
      destinations: [{ url: "HTTPS://API.Example.com:443/", path: "/a/b" }],
    }).destinations;
    assert.deepEqual([first?.url, first?.path, first?.name], ["https://api.example.com", "/a/b/", "api-example-com"]);
  });

  it("allow neighbours, a destination at / beside others, and every port that actions reach", () => {
    const paths = ["/", "/a/", "/ab/", "/b/c.d/", "/b/c.de/"];
    const destinations = paths.map((path, index) => ({ ...one, name: `d-${index}`, path }));
    assert.equal(parseSettings({ destinations }).destinations.length, paths.length);
    for (const port of [443, 10_000, 20_000]) assert.equal(parseSettings({ destinations: [one], port }).port, port);
  });

  it("allow a destination on this machine where a setting for local use says so, but never the metadata service", () => {
    const local = (address: string) => ({
      destinations: [{ url: address, serverName: "localhost" }],
      allowLocalDestinations: true,
    });
    for (const address of ["https://localhost:8443", "https://127.0.0.1", "https://[::1]", "https://10.0.0.1"])
      parseSettings(local(address));
    for (const address of ["https://169.254.169.254", "https://[fd00:ec2::254]", "https://[::ffff:169.254.169.254]"])
      assert.throws(() => parseSettings(local(address)), SettingsError);
  });

  it("give an address without letters a name all the same", () => {
    const settings = { destinations: [{ url: "https://[::]", serverName: "localhost" }], allowLocalDestinations: true };
    assert.equal(parseSettings(settings).destinations[0]?.name, "destination");
  });

  it("tell every problem at once, each with its place, what was given and what is allowed", () => {
    const given = {
      destinations: [{ url: "http://a.example.com" }, { url: "https://b.example.com", path: "b", nmae: "b" }],
      clients: [{ name: "A" }],
      port: 8443,
      limit: {},
    };
    assert.throws(() => parseSettings(given), {
      name: "SettingsError",
      code: "ERR_MTLS_SETTINGS",
      message: [
        "The settings have 6 problems:",
        '  destinations[0].url: must be https://HOST or https://HOST:PORT, without user, path, query or fragment (given: "http://a.example.com")',
        '  destinations[1].path: must be a path such as /pim/, of letters, digits and - _ . ~, no segment of which begins with a dot, 200 characters at most (given: "b")',
        "  destinations[1].nmae: unknown setting, did you mean name? (given: a setting of this name)",
        '  clients[0].name: must be a DNS label, which is what certificates carry: a-z, 0-9 and -, 63 characters at most (given: "A")',
        "  port: must be 443 or from 10000 to 20000: App Builder's actions reach no other port (given: 8443)",
        "  limit: unknown setting, did you mean limits? (given: a setting of this name)",
      ].join("\n"),
    });
  });

  it("tell one problem in the singular", () => {
    assert.throws(
      () => parseSettings({ destinations: [one], port: 1 }),
      /^SettingsError: The settings have a problem:\n {2}port: /,
    );
  });

  const SECRET = "s3cr3tS3cr3t";
  const key = rsaKey(2048, SECRET);
  for (const [what, given] of Object.entries<unknown>({
    "a key that cannot be read": withDestination({ clientKey: `-----BEGIN PRIVATE KEY-----\n${SECRET}\n` }),
    "a key in place of a certificate": withDestination({ clientCert: `${SECRET} ${key}` }),
    "a key in place of a CA": withDestination({ ca: `${SECRET} ${key}` }),
    "a key in place of a name": withDestination({ name: `${key}${SECRET}` }),
    "a key in place of a url": withDestination({ url: `-----BEGIN PRIVATE KEY-----${SECRET}` }),
    "a key in base64 in place of a path": withDestination({ path: Buffer.from(key).toString("base64") + SECRET }),
    "a key in place of a list": { destinations: { clientKey: SECRET } },
    "a key in place of an object": { destinations: [`-----BEGIN ${SECRET}`] },
    "a list with a key in it": withSetting({ clients: [[SECRET]] }),
    "a password in a url": withDestination({ url: `https://user:${SECRET}@api.example.com` }),
    "a token in a url": withDestination({ url: `https://api.example.com?token=${SECRET}` }),
  })) {
    it(`do not show ${what}`, () => {
      assert.throws(
        () => parseSettings(given),
        (error: SettingsError) => {
          const said = `${error.stack}${JSON.stringify(error)}`;
          assert.ok(!said.includes(SECRET) && !said.includes("PRIVATE KEY"), said);
          return true;
        },
      );
    });
  }
});

function problemsOf(settings: unknown) {
  try {
    parseSettings(settings);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  return [];
}

/** A key made for one test, PEM; weaker ones load faster. */
function rsaKey(modulusLength: number, passphrase?: string): string {
  const encryption = passphrase ? { cipher: "aes-256-cbc", passphrase } : {};
  const { privateKey } = generateKeyPairSync("rsa", {
    modulusLength,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem", ...encryption },
  });
  return privateKey;
}
