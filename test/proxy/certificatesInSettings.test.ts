import assert from "node:assert/strict";
import {
  type Bundle,
  makeBundle,
  nginxFiles,
  packBundle,
  parseSettings,
  type SettingsError,
} from "@app-builder-mtls/proxy";
import type { Issued } from "../../cli/src/certificates";
import { issueCa, issueClient } from "../support/certificates";

const one = { url: "https://api.example.com" };
const withDestination = (given: Record<string, unknown>) => parseSettings({ destinations: [{ ...one, ...given }] });

describe("certificates in settings", function () {
  this.timeout(60_000);
  let ca: Issued;
  let client: Issued;
  let other: Issued;

  before(async () => {
    ca = await issueCa();
    client = await issueClient(ca);
    other = await issueClient(ca);
  });

  const refuses = (given: () => Record<string, unknown>, place: string, allowed: RegExp) =>
    assert.throws(
      () => withDestination(given()),
      (error: SettingsError) => {
        const problem = error.problems.find((one) => one.place === `destinations[0].${place}`);
        assert.match(problem?.allowed ?? "nothing", allowed);
        assert.doesNotMatch(error.message, /BEGIN|PRIVATE/);
        return true;
      },
    );

  it("are refused when the key is another's", () =>
    refuses(() => ({ clientCert: client.cert, clientKey: other.key }), "clientKey", /must be the key of clientCert/));

  it("are refused when the chain does not begin with the key's certificate", () =>
    refuses(
      () => ({ clientCert: ca.cert + client.cert, clientKey: client.key }),
      "clientKey",
      /must be the key of clientCert/,
    ));

  it("are refused without their key, and a key without its certificate", () => {
    refuses(() => ({ clientCert: client.cert }), "clientKey", /must be given together with clientCert/);
    refuses(() => ({ clientKey: client.key }), "clientCert", /must be given together with clientKey/);
  });

  it("are refused when a key stands among them, or anything else", () => {
    const rule = /must be certificates in PEM form and nothing else/;
    refuses(() => ({ ca: client.key }), "ca", rule);
    refuses(() => ({ ca: ca.cert + client.key }), "ca", rule);
    refuses(() => ({ ca: `subject=CN=x\n${ca.cert}` }), "ca", rule);
    refuses(() => ({ ca: ca.cert.slice(0, -60) }), "ca", rule);
    refuses(() => ({ ca: ca.cert.replace(/\n(.)/, "\n$1A") }), "ca", rule);
  });

  it("are refused when two keys are given", () =>
    refuses(
      () => ({ clientCert: client.cert, clientKey: client.key + other.key }),
      "clientKey",
      /must be one private key/,
    ));

  it("reach the proxy's files in one form, however they were written", () => {
    const windows = withDestination({ ca: `\r\n${ca.cert.replaceAll("\n", "\r\n")}\r\n\r\n` });
    const plain = withDestination({ ca: ca.cert });
    assert.equal(windows.destinations[0]?.ca, plain.destinations[0]?.ca);
    assert.match(
      plain.destinations[0]?.ca ?? "",
      /^-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+\n-----END CERTIFICATE-----\n$/,
    );
  });

  it("may be a chain, and a key of any form that nginx reads", () => {
    const [destination] = withDestination({ clientCert: client.cert + ca.cert, clientKey: client.key }).destinations;
    assert.equal(destination?.clientCert?.match(/BEGIN CERTIFICATE/g)?.length, 2);
    assert.match(destination?.clientKey ?? "", /^-----BEGIN PRIVATE KEY-----\n/);
  });

  it("of twenty destinations fit into one secret, or are refused in the settings", async () => {
    const certificates = await Promise.all(Array.from({ length: 600 }, () => issueClient(ca)));
    const settings = (each: number) => ({
      destinations: Array.from({ length: 20 }, (_, index) => ({
        ...one,
        name: `d-${index}`,
        path: `/d-${index}/`,
        ca: certificates
          .slice(index * each, (index + 1) * each)
          .map(({ cert }) => cert)
          .join(""),
        clientCert: certificates[index]?.cert,
        clientKey: certificates[index]?.key,
      })),
    });
    for (const each of [1, 2, 3]) assert.ok(packBundle(bundleOf(settings(each))).length <= 65_536);
    assert.throws(() => bundleOf(settings(30)), {
      name: "SettingsError",
      message: /destinations: must fit into one secret of 65536 bytes, compressed/,
    });
  });
});

function bundleOf(given: unknown): Bundle {
  const target = { nginxVersion: "1.28.0", listen: ["0.0.0.0"], systemCa: "/etc/ca.pem", resolver: ["10.0.0.2"] };
  return makeBundle("1.28.0", nginxFiles(parseSettings(given), target));
}
