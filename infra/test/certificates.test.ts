import assert from "node:assert/strict";
import { type Asked, find, program } from "./program";

interface Leaf {
  validityPeriodHours: number;
  earlyRenewalHours: number;
  allowedUses: string[];
  setSubjectKeyId: boolean;
  caCertPem: string;
}

const leaf = (asked: Asked[], what: string) =>
  find<Leaf>(asked, "tls:index/locallySignedCert:LocallySignedCert", `mtls-proxy-${what}`);
const request = (asked: Asked[], what: string) =>
  find<{ subject: object; ipAddresses?: string[]; dnsNames?: string[] }>(
    asked,
    "tls:index/certRequest:CertRequest",
    `mtls-proxy-${what}`,
  );

describe("certificates", () => {
  it("live a year and are due in their last 60 days", async () => {
    const { asked } = await program();
    for (const what of ["server", "probe", "client-app-builder-1"]) {
      const { validityPeriodHours, earlyRenewalHours, setSubjectKeyId, caCertPem } = leaf(asked, what);
      assert.deepEqual([validityPeriodHours, earlyRenewalHours], [365 * 24, 60 * 24], what);
      assert.equal(setSubjectKeyId, true, what);
      assert.equal(caCertPem, "certificate of mtls-proxy-ca-1", what);
    }
  });

  it("live as long as is set", async () => {
    const { asked } = await program({ certificates: { leafDays: 90, renewDays: 30 } });
    const { validityPeriodHours, earlyRenewalHours } = leaf(asked, "server");
    assert.deepEqual([validityPeriodHours, earlyRenewalHours], [90 * 24, 30 * 24]);
  });

  it("are for a server or for a client, never for both", async () => {
    const { asked } = await program();
    assert.deepEqual(leaf(asked, "server").allowedUses, ["digital_signature", "server_auth"]);
    assert.deepEqual(leaf(asked, "client-app-builder-1").allowedUses, ["digital_signature", "client_auth"]);
    assert.deepEqual(leaf(asked, "probe").allowedUses, ["digital_signature", "client_auth"]);
  });

  it("name the proxy by its address and its host name, and a client by its name and generation", async () => {
    const { asked } = await program({
      hostname: "mtls.example.com",
      clients: [{ name: "partner-x", generation: 3 }],
    });
    const { ipAddresses, dnsNames } = request(asked, "server");
    assert.deepEqual([ipAddresses, dnsNames], [["192.0.2.10"], ["mtls.example.com"]]);
    const client = request(asked, "client-partner-x-3");
    assert.deepEqual(client.subject, { organizationalUnit: "generation 3", commonName: "partner-x" });
    assert.deepEqual([client.ipAddresses, client.dnsNames], [undefined, undefined]);
  });

  it("come from a CA of ten years that is made of P-256 and signs nothing but certificates", async () => {
    const { asked } = await program();
    const ca = find<{ allowedUses: string[]; isCaCertificate: boolean; validityPeriodHours: number; subject: object }>(
      asked,
      "tls:index/selfSignedCert:SelfSignedCert",
    );
    assert.deepEqual(ca.allowedUses, ["cert_signing"]);
    assert.deepEqual([ca.isCaCertificate, ca.validityPeriodHours], [true, 3_650 * 24]);
    assert.deepEqual(ca.subject, { organizationalUnit: "generation 1", commonName: "app-builder-mtls CA" });
    const { algorithm, ecdsaCurve } = find(asked, "tls:index/privateKey:PrivateKey", "mtls-proxy-ca-1");
    assert.deepEqual([algorithm, ecdsaCurve], ["ECDSA", "P256"]);
  });

  it("have RSA keys when that is set", async () => {
    const { asked } = await program({ certificates: { keyAlgorithm: "RSA-4096" } });
    const { algorithm, rsaBits } = find(asked, "tls:index/privateKey:PrivateKey", "mtls-proxy-server");
    assert.deepEqual([algorithm, rsaBits], ["RSA", 4_096]);
  });
});

describe("a CA", () => {
  const CA = "tls:index/selfSignedCert:SelfSignedCert";

  it("that was made with other settings stays, and it is told how to make a new one", async () => {
    const made = { [CA]: { validityPeriodHours: 3_650 * 24 } };
    const told = await warningsOf(() => program({ certificates: { caDays: 1_000 } }, made));
    assert.equal(told.length, 1);
    assert.match(told[0] ?? "", /stays as it was made \(3650\), whatever certificates\.caDays says \(1000\)/);
    assert.match(told[0] ?? "", /raise ca\.generation to 2/);
  });

  it("that will end before a leaf is told to be followed by another", async () => {
    const told = await warningsOf(() => program({}, { [CA]: { validityEndTime: "2026-06-01T00:00:00Z" } }));
    assert.equal(told.length, 3, "the server's, the probe's and the client's");
    assert.match(told[0] ?? "", /ends with the CA that signed it, on 2026-06-01T00:00:00Z\. Raise ca\.generation/);
  });

  it("that is followed by another signs the proxy's certificate on, and the newest signs the clients'", async () => {
    const { asked, proxy } = await program({ ca: { generation: 2 } });
    assert.deepEqual(
      ["server", "probe", "client-app-builder-1"].map((what) => leaf(asked, what).caCertPem),
      [1, 2, 2].map((generation) => `certificate of mtls-proxy-ca-${generation}`),
    );
    const both = "certificate of mtls-proxy-ca-1certificate of mtls-proxy-ca-2";
    assert.equal(await value(proxy.credentials.caCert), both);
  });

  it("that is retired signs nothing more and is trusted by nobody", async () => {
    const { asked, proxy } = await program({ ca: { generation: 2, retire: 1 } });
    for (const what of ["server", "probe", "client-app-builder-1"])
      assert.equal(leaf(asked, what).caCertPem, "certificate of mtls-proxy-ca-2", what);
    assert.equal(await value(proxy.credentials.caCert), "certificate of mtls-proxy-ca-2");
  });

  it("that is followed by another is told to be retired, once applications are deployed", async () => {
    const told = await warningsOf(() => program({ ca: { generation: 3, retire: 1 } }));
    assert.equal(told.length, 1);
    assert.match(told[0] ?? "", /generation 2 and 3 are both trusted\. .*\(mtls-proxy env\).* set ca\.retire to 2\./);
    const late = await warningsOf(() =>
      program({ ca: { generation: 2 } }, { [CA]: { validityEndTime: "2026-06-01T00:00:00Z" } }),
    );
    assert.match(late.find((text) => text.includes("certificate server")) ?? "", /Set ca\.retire to 1 before that\./);
  });

  it("is not spoken of otherwise", async () => {
    assert.deepEqual(await warningsOf(() => program()), []);
    assert.deepEqual(await warningsOf(() => program({ certificates: { keyAlgorithm: "RSA-2048" } })), []);
  });
});

/** Without an engine, Pulumi's warnings go to the console. */
async function warningsOf(run: () => Promise<unknown>): Promise<string[]> {
  const warnings: string[] = [];
  const { warn } = console;
  console.warn = (text: string) => warnings.push(text);
  try {
    await run();
  } finally {
    console.warn = warn;
  }
  return warnings;
}

const value = <T>(output: { apply(use: (value: T) => void): unknown }) =>
  new Promise<T>((resolve) => {
    output.apply(resolve);
  });

describe("credentials", () => {
  it("begin with the address, and name the port unless it is 443", async () => {
    const endpointOf = async (settings: Record<string, unknown>) =>
      value<string>((await program(settings)).proxy.credentials.endpoint);
    assert.equal(await endpointOf({}), "https://192.0.2.10");
    assert.equal(await endpointOf({ port: 10_443 }), "https://192.0.2.10:10443");
    assert.equal(await endpointOf({ hostname: "mtls.example.com", port: 10_443 }), "https://mtls.example.com:10443");
  });

  it("are those of the client that is listed first, whatever it is called", async () => {
    const { proxy } = await program({ clients: [{ name: "partner-x" }, { name: "1" }] });
    assert.equal(await value(proxy.credentials.clientCert), "certificate of mtls-proxy-client-partner-x-1");
    assert.deepEqual(Object.keys(proxy.clients).sort(), ["1", "partner-x"]);
  });

  it("come with the address that a firewall must accept", async () => {
    const { proxy } = await program();
    assert.deepEqual(await value(proxy.egressIps), ["192.0.2.10"]);
  });
});
