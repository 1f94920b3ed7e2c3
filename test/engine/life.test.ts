import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { gunzipSync } from "node:zlib";
import {
  caProfile,
  clientProfile,
  cloudConfig,
  parseSettings,
  probeProfile,
  serverProfile,
} from "@app-builder-mtls/proxy";
import { issue } from "../../cli/src/certificates";
import { DAY_MS } from "../support/certificates";
import { formOf } from "./certificateForm";
import { fetchBundle, query, values } from "./emulatedAws";
import { type Changes, type Outcome, Stack } from "./stack";

const PIM = { name: "pim", path: "/pim/", url: "https://pim.example.com" };
const ORDERS = { name: "orders", path: "/orders/", url: "https://orders.example.com:8443" };
const APP_BUILDER = { name: "app-builder" };
const PARTNER = { name: "partner-x" };

const BUNDLE = "aws:secretsmanager/secretVersion:SecretVersion mtls-proxy-bundle";
const identityOf = (what: string) => [
  `tls:index/privateKey:PrivateKey mtls-proxy-${what}`,
  `tls:index/certRequest:CertRequest mtls-proxy-${what}`,
  `tls:index/locallySignedCert:LocallySignedCert mtls-proxy-${what}`,
];
const leafOf = (what: string) => `tls:index/locallySignedCert:LocallySignedCert mtls-proxy-${what}`;
const all = (names: string[], op: string) => Object.fromEntries(names.map((name) => [name, op]));

/** What the emulator reads back wrong; a real account reads back what was written. */
const MISREAD_AFTER_REFRESH: Changes = {};

describe("a stack's life", function () {
  this.timeout(300_000);
  let stack: Stack;
  let destinationCert: string;
  let destinationKey: string;
  let outcome: Outcome;

  before(async () => {
    stack = await Stack.create();
    const profile = clientProfile(parseSettings({ destinations: [PIM] }), { name: "app-builder", generation: 1 });
    ({ cert: destinationCert, key: destinationKey } = await issue(profile));
    await configure(lasting());
  });
  after(async () => {
    await stack?.[Symbol.asyncDispose]();
  });

  /** The destination's key is encrypted anew every time: the whole configuration is. */
  async function configure(settings: { destinations: object[] } & Record<string, unknown>): Promise<void> {
    await stack.configure(settings);
    const asking = settings.destinations.findIndex((destination) => "clientCert" in destination);
    if (asking >= 0) await stack.encrypt(`app-builder-mtls:destinations[${asking}].clientKey`, destinationKey);
  }

  it("is shown before anything is made", async () => {
    outcome = await stack.preview();
    assert.ok(outcome.succeeded, outcome.text);
    assert.deepEqual(new Set(Object.values(outcome.changes)), new Set(["create"]));
    assert.deepEqual(await stack.resources(), []);
  });

  it("comes up with one command, as it was shown", async () => {
    const shown = Object.keys(outcome.changes).sort();
    outcome = await stack.up();
    assert.ok(outcome.succeeded, outcome.text);
    assert.deepEqual(Object.keys(outcome.changes).sort(), shown);
    assert.doesNotMatch(outcome.text, /Undefined value/);
  });

  it("says what the actions and the firewall need", async () => {
    const outputs = await stack.outputs();
    assert.deepEqual(Object.keys(outputs).sort(), [
      "bundleVersion",
      "caCert",
      "clientCert",
      "clientKey",
      "clients",
      "dashboardUrl",
      "egressIps",
      "endpoint",
      "logGroup",
    ]);
    assert.deepEqual(outputs.egressIps, [new URL(outputs.endpoint).hostname]);
    const { endpoint, clientCert, clientKey, caCert } = outputs;
    assert.deepEqual(outputs.clients, { "app-builder": { endpoint, clientCert, clientKey, caCert } });
  });
  it("shows no change when nothing was changed", async () => {
    outcome = await stack.preview();
    assert.ok(outcome.succeeded, outcome.text);
    assert.deepEqual(outcome.changes, {});
  });

  it("puts one bundle into the secret: the proxy's files, its keys, and no key of the CA", async () => {
    const bundle = await bundleOfStack();
    assert.equal(bundle.version, (await stack.outputs()).bundleVersion);
    const keys = Object.entries(bundle.files).filter(([, text]) => text.includes("PRIVATE KEY"));
    assert.deepEqual(keys.map(([path]) => path).sort(), ["destinations/pim.client.key", "probe.key", "server.key"]);
    const ca = new X509Certificate(bundle.files["client-ca.crt"] ?? "");
    for (const [path, key] of keys) assert.equal(ca.checkPrivateKey(createPrivateKey(key)), false, path);
    for (const leaf of ["server.crt", "probe.crt"])
      assert.ok(new X509Certificate(bundle.files[leaf] ?? "").verify(ca.publicKey), leaf);
  });

  it("stores no key in clear: not its own, not a destination's, not the bundle", async () => {
    const { clientKey } = await stack.outputs();
    const { files } = await bundleOfStack();
    const keys = [clientKey, destinationKey, files["server.key"] ?? "", files["probe.key"] ?? ""];
    const telling = ["PRIVATE KEY", GZIP, ...keys.flatMap(privateLines)];
    const exposed = textsIn(JSON.parse(await stack.exported())).filter(
      ({ path, text }) => !path.endsWith("userData") && telling.some((part) => text.includes(part)),
    );
    assert.deepEqual(
      exposed.map(({ path }) => path),
      [],
    );
  });

  it("makes the same certificates as the local maker does of the same profiles", async () => {
    const settings = parseSettings({ destinations: [PIM] });
    const { endpoint, clients, caCert } = await stack.outputs();
    const { files } = await bundleOfStack();
    const localCa = await issue(caProfile(settings));
    const address = new URL(endpoint).hostname;
    assert.deepEqual(formOf(caCert, caCert), formOf(localCa.cert, localCa.cert));
    for (const [pem, profile, names] of [
      [files["server.crt"], serverProfile(settings), [address]],
      [files["probe.crt"], probeProfile(settings), undefined],
      [clients["app-builder"]?.clientCert, clientProfile(settings, { name: "app-builder", generation: 1 }), undefined],
    ] as const) {
      const local = await issue(profile, { issuer: localCa, ...(names && { names: [...names] }) });
      assert.deepEqual(formOf(pem ?? "", caCert), formOf(local.cert, localCa.cert), profile.subject.commonName);
    }
    assert.ok(formOf(caCert, caCert).subjectKeyId && formOf(files["server.crt"] ?? "", caCert).authorityKeyId);
    assert.equal(new X509Certificate(files["server.crt"] ?? "").subjectAltName, `IP Address:${address}`);
  });

  it("tells the machine where its bundle is, and no key", async () => {
    const userData = await userDataOfMachine();
    assert.ok(userData.startsWith("#cloud-config\n"));
    const secretId = await idOf("aws:secretsmanager/secret:Secret");
    assert.equal(userData, cloudConfig({ secretId, region: secretId.split(":")[3] ?? "" }), "what the boot test boots");
    assert.deepEqual(userData.match(/^\s*-----BEGIN.*$/gm), null);
  });

  it("touches the bundle alone when a destination and a client are added", async () => {
    const machine = await idOf("aws:ec2/instance:Instance");
    await configure({ destinations: [pimWithCertificate(), ORDERS], clients: [APP_BUILDER, PARTNER] });
    outcome = await stack.up();
    assert.ok(outcome.succeeded, outcome.text);
    assert.deepEqual(outcome.changes, { ...all(identityOf("client-partner-x-1"), "create"), [BUNDLE]: "replace" });
    assert.equal(await idOf("aws:ec2/instance:Instance"), machine);
    const { files, version } = await bundleOfStack();
    assert.ok(files["destinations/orders.conf"]);
    assert.equal(version, (await stack.outputs()).bundleVersion);
    assert.deepEqual(Object.keys((await stack.outputs()).clients), ["app-builder", "partner-x"]);
  });

  it("touches the bundle alone when they are removed again", async () => {
    await configure({ destinations: [pimWithCertificate()], clients: [APP_BUILDER] });
    outcome = await stack.up();
    assert.ok(outcome.succeeded, outcome.text);
    assert.deepEqual(outcome.changes, { ...all(identityOf("client-partner-x-1"), "delete"), [BUNDLE]: "replace" });
  });

  it("keeps the CA whatever the settings say, and tells so", async () => {
    await configure({ ...lasting(), certificates: { caDays: 1_000, keyAlgorithm: "RSA-2048" } });
    outcome = await stack.preview();
    assert.ok(outcome.succeeded, outcome.text);
    assert.deepEqual(
      Object.keys(outcome.changes).filter((resource) => resource.includes("mtls-proxy-ca-")),
      [],
    );
    for (const words of [
      "The CA of generation 1 stays as it was made (ECDSA-P256), whatever certificates.keyAlgorithm says (RSA-2048)",
      "The CA of generation 1 stays as it was made (3650), whatever certificates.caDays says (1000)",
      "raise ca.generation to 2",
    ])
      assert.ok(
        outcome.warnings.some((warning) => warning.includes(words)),
        outcome.text,
      );
    await configure(lasting());
  });

  it("makes the leaves and the bundle anew in the renewal window, and nothing else", async () => {
    const renewal = { ENGINE_NOW: new Date(Date.now() + 310 * DAY_MS).toISOString() };
    outcome = await stack.up(renewal);
    assert.ok(outcome.succeeded, outcome.text);
    const leaves = ["server", "probe", "client-app-builder-1"].map(leafOf);
    assert.deepEqual(outcome.changes, all([...leaves, BUNDLE], "replace"));
    assert.deepEqual((await stack.preview(renewal)).changes, {});
  });

  it("finds no drift when it asks AWS again, but for what the emulator misreads", async () => {
    outcome = await stack.refresh();
    assert.ok(outcome.succeeded, outcome.text);
    assert.deepEqual((await stack.preview()).changes, MISREAD_AFTER_REFRESH);
  });

  const pimWithCertificate = () => ({ ...PIM, clientCert: destinationCert });
  const lasting = () => ({ destinations: [pimWithCertificate()], clients: [APP_BUILDER] });

  async function idOf(type: string): Promise<string> {
    const found = (await stack.resources()).find((resource) => resource.type === type);
    assert.ok(found?.id, `${type} is in the state`);
    return found.id;
  }

  const bundleOfStack = async () => fetchBundle(await idOf("aws:secretsmanager/secret:Secret"));

  async function userDataOfMachine(): Promise<string> {
    const InstanceId = await idOf("aws:ec2/instance:Instance");
    const xml = await query("ec2", "DescribeInstanceAttribute", { InstanceId, Attribute: "userData" });
    return gunzipSync(Buffer.from(values(xml, "value").join(""), "base64")).toString();
  }
});

/** How gzip begins in base64. */
const GZIP = "H4sI";

/** A P-256 key's private part stands in the first two lines of PKCS #8; the third is public, and a certificate request has it, too. */
const privateLines = (pem: string): string[] =>
  pem
    .split("\n")
    .filter((line) => !line.startsWith("-"))
    .slice(0, 2);

/** Every text in a document, with where it stands. */
function textsIn(value: unknown, path = ""): { path: string; text: string }[] {
  if (typeof value === "string") return [{ path, text: value }];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => textsIn(inner, `${path}/${key}`));
}
