import { createHash, createHmac, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { CloudWatch, type Watching } from "./cloudWatch";

const CREDENTIALS = {
  AccessKeyId: "ASIATESTTESTTESTTEST",
  SecretAccessKey: "not/a+secret",
  Token: "session-token",
};
/** As long as EC2's last. */
const CREDENTIALS_MS = 6 * 3_600_000;
const METADATA_TOKEN = "metadata-token";
const ROLE = "mtls-proxy-machine";
export const SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:mtls-proxy-bundle-AbCdEf";
export const REGION = "eu-west-1";

/** Takes a request over; answers it itself, or not at all. */
export type Fault = (request: IncomingMessage, response: ServerResponse, action: string) => void;

/** A lifecycle hook that somebody said is done. */
interface CompletedHook {
  group: string;
  hook: string;
  instance: string;
  result: string;
}

/** AWS Secrets Manager with one secret, the machine's auto scaling group, and the metadata service of a machine that may ask them. */
export interface EmulatedAws extends AsyncDisposable {
  endpoint: string;
  /** Names of the actions that were asked, oldest first. */
  asked: string[];
  /** Puts a new current version into the secret. */
  put(bytes: Buffer): void;
  /** What every call to Secrets Manager meets from now on. */
  fault: Fault | undefined;
  /** What each call to the metadata service meets from now on. */
  metadataFault: Fault | undefined;
  /** When the role's credentials end, in milliseconds. */
  credentialsEnd: number;
  /** How often they were fetched. */
  credentialsFetched: number;
  /** What each call to CloudWatch and its logs meets from now on. */
  watchingFault: Fault | undefined;
  cloudWatch: CloudWatch;
  /** What the auto scaling group makes of the machine; undefined where there is no group. */
  lifecycleState: string | undefined;
  /** Whether the group waits for one of its lifecycle hooks. */
  groupWaits: boolean;
  completed: CompletedHook[];
  /** How often the metadata service was asked for the state. */
  looks: number;
  /** User data for a machine that boots. */
  userData: Buffer | undefined;
}

/** An answer with AWS's form of error. */
export const refusal =
  (status: number, type: string): Fault =>
  (_, response) =>
    answer(response, status, {
      __type: `com.amazonaws.secretsmanager#${type}`,
      message: `arn:aws:iam::123456789012:x`,
    });

/** @param requiresToken cloud-init asks with a token only where the firmware says that it is Amazon's, and a namespace has no firmware */
export async function startAws({ host = "127.0.0.1", port = 0, requiresToken = true } = {}): Promise<EmulatedAws> {
  let current: { id: string; bytes: Buffer } | undefined;
  const cloudWatch = new CloudWatch();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const service = serviceOf(request);
    if (request.method !== "POST") metadata(request, response);
    else if (service === "logs" || service === "monitoring") watching(request, response, body, service);
    else if (service === "autoscaling") autoScaling(request, response, body);
    else secretsManager(request, response, body);
  });

  function watching(request: IncomingMessage, response: ServerResponse, body: Buffer, service: Watching): void {
    const { action, reply } = cloudWatch.receive(service, request, body);
    aws.asked.push(action);
    if (aws.watchingFault) aws.watchingFault(request, response, action);
    else if (!isSigned(request, body, service)) refusal(400, "InvalidSignatureException")(request, response, action);
    else {
      const { status, content } = reply();
      answer(response, status, content);
    }
  }

  function autoScaling(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const said = new URLSearchParams(body.toString());
    const action = said.get("Action") ?? "";
    aws.asked.push(action);
    const of = (name: string) => said.get(name) ?? "";
    const refuse = (status: number, code: string) =>
      response.writeHead(status).end(`<ErrorResponse><Error><Code>${code}</Code></Error></ErrorResponse>`);
    if (aws.fault) aws.fault(request, response, action);
    else if (!isSigned(request, body, "autoscaling")) refuse(403, "SignatureDoesNotMatch");
    else if (action !== "CompleteLifecycleAction" || !aws.groupWaits) refuse(400, "ValidationError");
    else {
      aws.completed.push({
        group: of("AutoScalingGroupName"),
        hook: of("LifecycleHookName"),
        instance: of("InstanceId"),
        result: of("LifecycleActionResult"),
      });
      response.end("<CompleteLifecycleActionResponse/>");
    }
  }

  function secretsManager(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const action = String(request.headers["x-amz-target"]).replace("secretsmanager.", "");
    aws.asked.push(action);
    (aws.fault ?? faultOf(request, body, action) ?? answerOf(action))(request, response, action);
  }

  function faultOf(request: IncomingMessage, body: Buffer, action: string): Fault | undefined {
    if (!isSigned(request, body, "secretsmanager")) return refusal(400, "InvalidSignatureException");
    const { SecretId, VersionId } = JSON.parse(body.toString()) as { SecretId: string; VersionId?: string };
    const isThere = SecretId === SECRET && (action === "DescribeSecret" || (current && VersionId === current.id));
    return isThere ? undefined : refusal(400, "ResourceNotFoundException");
  }

  function answerOf(action: string): Fault {
    const stages = current && { VersionIdsToStages: { old: ["AWSPREVIOUS"], [current.id]: ["AWSCURRENT"] } };
    const content =
      action === "DescribeSecret" ? { ARN: SECRET, ...stages } : { SecretBinary: current?.bytes.toString("base64") };
    return (_, response) => answer(response, 200, content);
  }

  function metadata(request: IncomingMessage, response: ServerResponse): void {
    const { method, url = "", headers } = request;
    if (url.endsWith(`/${ROLE}`)) aws.credentialsFetched += 1;
    if (url.endsWith("/target-lifecycle-state")) aws.looks += 1;
    if (aws.metadataFault) aws.metadataFault(request, response, "");
    else if (method === "PUT" && url === "/latest/api/token") response.end(METADATA_TOKEN);
    else if (headers["x-aws-ec2-metadata-token"] !== METADATA_TOKEN && requiresToken) response.writeHead(401).end();
    else sendMetadata(response, metadataOf(url.replace(/^\/[^/]+\//, ""), aws));
  }

  server.listen(port, host);
  await once(server, "listening");
  const aws: EmulatedAws = {
    endpoint: `http://${host}:${(server.address() as AddressInfo).port}`,
    asked: [],
    put: (bytes) => {
      current = { id: randomUUID(), bytes };
    },
    fault: undefined,
    metadataFault: undefined,
    credentialsEnd: Date.now() + CREDENTIALS_MS,
    credentialsFetched: 0,
    watchingFault: undefined,
    cloudWatch,
    lifecycleState: undefined,
    groupWaits: true,
    completed: [],
    looks: 0,
    userData: undefined,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  return aws;
}

function answer(response: ServerResponse, status: number, content: unknown): void {
  response.writeHead(status, { "content-type": "application/x-amz-json-1.1" }).end(JSON.stringify(content));
}

function sendMetadata(response: ServerResponse, found: string | Buffer | undefined): void {
  if (found === undefined) response.writeHead(404).end();
  else response.end(found);
}

/** What EC2's metadata service says below `/latest/` or a dated version, as far as cloud-init and sync ask. */
function metadataOf(
  path: string,
  { userData, credentialsEnd, lifecycleState }: EmulatedAws,
): string | Buffer | undefined {
  const mac = "02:00:00:00:00:01";
  const values: Record<string, string> = {
    "dynamic/instance-identity/document": JSON.stringify({ region: REGION, instanceId: "i-0123456789abcdef0" }),
    "meta-data/instance-id": "i-0123456789abcdef0",
    "meta-data/local-hostname": "ip-10-0-0-10",
    "meta-data/local-ipv4": "10.0.0.10",
    ...(lifecycleState && { "meta-data/autoscaling/target-lifecycle-state": lifecycleState }),
    "meta-data/ami-id": "ami-0123456789abcdef0",
    "meta-data/instance-type": "t4g.micro",
    "meta-data/mac": mac,
    "meta-data/placement/availability-zone": `${REGION}a`,
    "meta-data/placement/region": REGION,
    "meta-data/iam/security-credentials": ROLE,
    [`meta-data/iam/security-credentials/${ROLE}`]: JSON.stringify({
      Code: "Success",
      Type: "AWS-HMAC",
      ...CREDENTIALS,
      Expiration: new Date(credentialsEnd).toISOString().replace(/\.\d+/, ""),
    }),
    [`meta-data/network/interfaces/macs/${mac}/device-number`]: "0",
    [`meta-data/network/interfaces/macs/${mac}/local-ipv4s`]: "10.0.0.10",
    [`meta-data/network/interfaces/macs/${mac}/mac`]: mac,
    [`meta-data/network/interfaces/macs/${mac}/subnet-ipv4-cidr-block`]: "10.0.0.0/24",
  };
  if (path === "user-data") return userData;
  const asked = path.replace(/\/$/, "");
  if (values[asked] !== undefined) return values[asked];
  const below = Object.keys(values)
    .filter((name) => name.startsWith(`${asked}/`))
    .map((name) => {
      const [first = "", ...rest] = name.slice(asked.length + 1).split("/");
      return rest.length > 0 ? `${first}/` : first;
    });
  return below.length > 0 ? [...new Set(below)].join("\n") : undefined;
}

/** Recomputes Signature Version 4 from what arrived, as AWS does, and refuses a clock that is 5 minutes off. */
function isSigned(request: IncomingMessage, body: Buffer, service: string): boolean {
  const { headers } = request;
  const found =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/((\d{8})\/([^/]+)\/([^/]+)\/aws4_request), SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? "",
    );
  if (!found) return false;
  const [, keyId, scope = "", day = "", region = "", named = "", names = "", signature] = found;
  const time = String(headers["x-amz-date"]);
  const canonical = [
    "POST",
    request.url,
    "",
    ...names.split(";").map((name) => `${name}:${headers[name]}`),
    "",
    names,
    createHash("sha256").update(body).digest("hex"),
  ].join("\n");
  const toSign = ["AWS4-HMAC-SHA256", time, scope, createHash("sha256").update(canonical).digest("hex")].join("\n");
  const key = [day, region, service, "aws4_request"].reduce(
    (secret: string | Buffer, part) => createHmac("sha256", secret).update(part).digest(),
    `AWS4${CREDENTIALS.SecretAccessKey}`,
  );
  const target = headers["x-amz-target"] ? ["x-amz-target"] : [];
  const signed = ["host", "x-amz-date", "x-amz-security-token", ...target].every((name) =>
    names.split(";").includes(name),
  );
  return (
    signed &&
    named === service &&
    keyId === CREDENTIALS.AccessKeyId &&
    headers["x-amz-security-token"] === CREDENTIALS.Token &&
    time.startsWith(day) &&
    Math.abs(Date.now() - timeOf(time)) < 5 * 60_000 &&
    createHmac("sha256", key).update(toSign).digest("hex") === signature
  );
}

/** Who is asked: the service is in the signature's scope, which is checked later. */
const serviceOf = ({ headers }: IncomingMessage): string =>
  /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/[^/]+\/([^/]+)\//.exec(headers.authorization ?? "")?.[1] ?? "";

const timeOf = (compact: string): number =>
  Date.parse(compact.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
