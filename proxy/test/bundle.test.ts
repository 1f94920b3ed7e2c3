import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { z } from "zod";
import {
  BundleTooLargeError,
  checkTogether,
  makeBundle,
  nginxFiles,
  packBundle,
  parseSettings,
  type Settings,
  telemetryFiles,
} from "../index";
import { EXAMPLES } from "./support/examples";

const { settings, target } = EXAMPLES.everything ?? assert.fail();
const bundle = () => makeBundle(target.nginxVersion, nginxFiles(settings, target));

/** As large as certificates of so many bytes, and no easier to compress. */
const incompressible = (bytes: number): string => randomBytes((bytes * 3) / 4).toString("base64");

describe("a bundle", () => {
  it("has the same version and the same bytes for the same content, in whatever order", () => {
    const backwards = Object.fromEntries(Object.entries(nginxFiles(settings, target)).reverse());
    assert.deepEqual(packBundle(makeBundle(target.nginxVersion, backwards)), packBundle(bundle()));
  });

  it("has another version for other content, another path, or another nginx", () => {
    const content = { "nginx.conf": "a", "tls.conf": "b" };
    const versions = [
      makeBundle("1.28.0", content),
      makeBundle("1.28.0", { ...content, "tls.conf": "c" }),
      makeBundle("1.28.0", { "nginx.conf": "a", "requests.conf": "b" }),
      makeBundle("1.30.0", content),
    ].map(({ version }) => version);
    assert.equal(new Set(versions).size, versions.length);
  });

  it("names the hash of each file, and its own version in a file for nginx", () => {
    const { files, manifest, version } = bundle();
    assert.deepEqual(Object.keys(manifest), Object.keys(files));
    for (const [path, content] of Object.entries(files))
      assert.equal(manifest[path], createHash("sha256").update(content).digest("hex"), path);
    assert.match(files["version.conf"] ?? "", new RegExp(`default "${version}";`));
  });

  it("is gzipped JSON", () => {
    assert.deepEqual(JSON.parse(gunzipSync(packBundle(bundle())).toString()), bundle());
  });

  it("too large for a secret is refused, with what to do and nothing of its content", () => {
    const large = makeBundle("1.28.0", { "server.key": incompressible(100_000) });
    assert.throws(
      () => packBundle(large),
      (error: unknown) =>
        error instanceof BundleTooLargeError &&
        error.code === "ERR_MTLS_BUNDLE_TOO_LARGE" &&
        /^The bundle has \d+ bytes compressed, and a secret holds 65536\. Give fewer destinations/.test(error.message),
    );
  });

  for (const [what, count, label] of [
    ["that share nothing", 25, () => randomBytes(31).toString("hex")],
    ["as people give them", 20, (index: number) => `backend-${index}`],
    ["of one character", 50, (index: number) => index.toString(36)],
  ] as const) {
    it(`fits whenever the settings are accepted: ${count} destinations with names ${what}`, () => {
      const settings = settingsWith(count, label);
      const material = largestThat((bytes) =>
        accepts({ ...settings, destinations: withCa(settings.destinations, bytes) }),
      );
      const full = { ...settings, destinations: withCa(settings.destinations, material) };
      const own = {
        "server.crt": incompressible(3_500),
        "server.key": incompressible(3_300),
        "client-ca.crt": incompressible(5_500),
        ...telemetryFiles({ logGroup: incompressible(200), namespace: incompressible(200) }),
      };
      const size = packBundle(makeBundle("1.30.1", { ...nginxFiles(full, target), ...own })).length;
      assert.ok(size <= 65_536 && material > 15_000, `${size} bytes with certificates of ${material}`);
    });
  }
});

function settingsWith(count: number, label: (index: number) => string): Settings {
  return parseSettings({
    destinations: Array.from({ length: count }, (_, index) => ({
      name: label(index),
      path: `/${label(index)}/`,
      url: `https://${label(index)}.example.com:8443`,
      serverName: `${label(index)}.example.com`,
    })),
    clients: Array.from({ length: count }, (_, index) => ({ name: label(index) })),
  });
}

/** So many bytes of CAs, spread over the destinations; settings only measure them here. */
const withCa = (destinations: Settings["destinations"], bytes: number): Settings["destinations"] =>
  destinations.map((one) => ({ ...one, ca: incompressible(bytes / destinations.length) }));

/** Whether the check between settings finds them small enough. */
function accepts(settings: Settings): boolean {
  return z.custom<Settings>().superRefine(checkTogether).safeParse(settings).success;
}

/** The largest number of bytes that is accepted, to the kilobyte. */
function largestThat(holds: (bytes: number) => boolean): number {
  let bytes = 0;
  while (holds(bytes + 1_000)) bytes += 1_000;
  return bytes;
}
