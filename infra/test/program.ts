import * as pulumi from "@pulumi/pulumi";
import { MtlsProxy } from "../proxy";
import { stackSettings } from "../settings";

/** A resource as the program asks the engine for it. */
export interface Asked {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
}

export const ACCOUNT = "123456789012";
export const REGION = "eu-west-1";
const DESTINATION = { url: "https://api.example.com" };

/** Of the Elastic IPs that are made here, by their names. */
const ADDRESSES: Record<string, string> = {
  "mtls-proxy-address": "192.0.2.10",
  ...Object.fromEntries([1, 2, 3].map((zone) => [`mtls-proxy-nat-${zone}`, `192.0.2.2${zone}`])),
  ...Object.fromEntries([1, 2, 3].map((zone) => [`mtls-proxy-entrance-${zone}`, `192.0.2.3${zone}`])),
};

/** By a resource's type: what is known of it once it is made, beside what was asked for. */
type Answers = Record<string, Record<string, unknown>>;

/** What the engine and AWS would have added. */
function answered({ type, name, inputs }: Asked, answers: Answers): Record<string, unknown> {
  const [service = ""] = type.split("/");
  const arn = `arn:${service}:${REGION}:${ACCOUNT}:${name}`;
  const known: Answers = {
    "aws:ec2/eip:Eip": { publicIp: ADDRESSES[name], allocationId: `${name}-allocation` },
    "aws:lb/loadBalancer:LoadBalancer": {
      dnsName: "entrance.elb.example.com",
      zoneId: "Z26RNL4JYFTOTI",
      arnSuffix: "net/entrance/0123",
    },
    "aws:lb/targetGroup:TargetGroup": { arnSuffix: "targetgroup/machines/4567" },
    "aws:ec2/eipAssociation:EipAssociation": { publicIp: "198.51.100.20" },
    "tls:index/privateKey:PrivateKey": {
      rsaBits: 2048,
      privateKeyPem: `private key of ${name}`,
      privateKeyPemPkcs8: `PKCS #8 private key of ${name}`,
    },
    "tls:index/certRequest:CertRequest": { certRequestPem: `request of ${name}` },
    "tls:index/selfSignedCert:SelfSignedCert": {
      certPem: `certificate of ${name}`,
      validityEndTime: "2036-01-01T00:00:00Z",
    },
    "tls:index/locallySignedCert:LocallySignedCert": {
      certPem: `certificate of ${name}`,
      validityEndTime: "2027-01-01T00:00:00Z",
    },
  };
  return { name, arn, ...known[type], ...inputs, ...answers[type] };
}

/** What AWS answers to a question. */
type Calls = Record<string, (inputs: Record<string, unknown>) => Record<string, unknown>>;

const CALLS: Calls = {
  "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": () => ({
    locations: ["eu-west-1c", "eu-west-1b", "eu-west-1a"],
  }),
  "aws:ec2/getElasticIp:getElasticIp": ({ id }) => ({ publicIp: `address of ${id}` }),
};

/**
 * Runs the component and collects what it asks for.
 * @param settings as a stack's configuration has them; one destination is there already
 */
export async function program(
  settings: Record<string, unknown> = {},
  answers: Answers = {},
  calls: Calls = {},
): Promise<{ asked: Asked[]; proxy: MtlsProxy }> {
  // Pulumi writes a stack trace for each of its promises; to trace each through the source maps is two thirds of the work.
  process.setSourceMapsEnabled(false);
  try {
    return await run(settings, answers, calls);
  } finally {
    process.setSourceMapsEnabled(true);
  }
}

async function run(settings: Record<string, unknown>, answers: Answers, calls: Calls) {
  const asked: Asked[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        const resource = { type, name, inputs: withoutSecretMarks(inputs) as Asked["inputs"] };
        asked.push(resource);
        return { id: `${name}-id`, state: answered(resource, answers) };
      },
      call: ({ token, inputs }) => ({ ...CALLS, ...calls })[token]?.(inputs) ?? {},
    },
    "app-builder-mtls",
    "dev",
  );
  const proxy = new MtlsProxy(
    "mtls-proxy",
    stackSettings({ values: { destinations: [DESTINATION], ...settings }, encrypted: new Set(["destinations"]) }),
  );
  await pulumi.runtime.disconnect();
  return { asked, proxy };
}

/** Pulumi's own mark on a secret, on its way to the engine. */
const SECRET_MARK = "4dabf18193072939515e22adb298388d";

function isSecret(value: unknown): boolean {
  return typeof value === "object" && value !== null && SECRET_MARK in value;
}

function withoutSecretMarks(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecretMarks);
  if (typeof value !== "object" || value === null) return value;
  if (isSecret(value)) return withoutSecretMarks((value as { value: unknown }).value);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutSecretMarks(inner)]));
}

/**
 * The inputs of the one resource of a type, or of the one of that name.
 * @template Shape what the test knows of them
 */
export function find<Shape = Record<string, unknown>>(asked: Asked[], type: string, name?: string): Shape {
  const found = asked.filter((one) => one.type === type && (name === undefined || one.name === name));
  const [only] = found;
  if (!only || found.length > 1) throw new Error(`${found.length} resources are a ${type} ${name ?? ""}`);
  return only.inputs as Shape;
}
