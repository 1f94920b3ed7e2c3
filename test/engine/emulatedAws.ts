import { gunzipSync } from "node:zlib";
import type { Bundle } from "@app-builder-mtls/proxy";

/** The emulator asks for a signature's form and for nothing in it. */
async function ask(service: string, init: RequestInit): Promise<string> {
  const endpoint = process.env.AWS_ENDPOINT_URL;
  if (!endpoint) throw new Error("AWS_ENDPOINT_URL is not set");
  const region = process.env.AWS_REGION ?? "us-east-1";
  const authorization = `AWS4-HMAC-SHA256 Credential=emulated/20260101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=0`;
  const response = await fetch(endpoint, { ...init, method: "POST", headers: { ...init.headers, authorization } });
  const text = await response.text();
  if (!response.ok) throw new Error(`${service} answered ${response.status}: ${text}`);
  return text;
}

/** The services that speak forms and XML, with the version of their interface; it is `monitoring` that CloudWatch signs as. */
const VERSIONS = {
  ec2: "2016-11-15",
  iam: "2010-05-08",
  monitoring: "2010-08-01",
  sns: "2010-03-31",
  elasticloadbalancing: "2015-12-01",
  autoscaling: "2011-01-01",
};

export const query = (
  service: keyof typeof VERSIONS,
  action: string,
  parameters: Record<string, string> = {},
): Promise<string> =>
  ask(service, {
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ Action: action, Version: VERSIONS[service], ...parameters }),
  });

/** The services that speak JSON, with the name before an action. */
const TARGETS = { secretsmanager: "secretsmanager", logs: "Logs_20140328" };

export async function call<Answer>(
  service: keyof typeof TARGETS,
  action: string,
  parameters: Record<string, unknown> = {},
): Promise<Answer> {
  const answer = await ask(service, {
    headers: { "content-type": "application/x-amz-json-1.1", "x-amz-target": `${TARGETS[service]}.${action}` },
    body: JSON.stringify(parameters),
  });
  return JSON.parse(answer || "{}"); // an action without an answer
}

/** The bundle as the machine reads it. */
export async function fetchBundle(secretId: string): Promise<Bundle> {
  const { SecretBinary } = await call<{ SecretBinary: string }>("secretsmanager", "GetSecretValue", {
    SecretId: secretId,
  });
  return JSON.parse(gunzipSync(Buffer.from(SecretBinary, "base64")).toString());
}

/** What somebody has in an account before: a network with a subnet, and an address that firewalls know. */
export async function makeNetwork(): Promise<{
  vpcId: string;
  subnetId: string;
  allocationId: string;
  address: string;
}> {
  const first = (xml: string, field: string) => values(xml, field)[0] ?? "";
  const vpcId = first(await query("ec2", "CreateVpc", { CidrBlock: "10.9.0.0/24" }), "vpcId");
  const subnet = await query("ec2", "CreateSubnet", { VpcId: vpcId, CidrBlock: "10.9.0.0/26" });
  const allocation = await query("ec2", "AllocateAddress", { Domain: "vpc" });
  return {
    vpcId,
    subnetId: first(subnet, "subnetId"),
    allocationId: first(allocation, "allocationId"),
    address: first(allocation, "publicIp"),
  };
}

const EC2_LISTS = {
  DescribeVpcs: "vpcId",
  DescribeSubnets: "subnetId",
  DescribeInternetGateways: "internetGatewayId",
  DescribeRouteTables: "routeTableId",
  DescribeSecurityGroups: "groupId",
  DescribeAddresses: "allocationId",
  DescribeLaunchTemplates: "launchTemplateId",
  DescribeVolumes: "volumeId",
};
const FLEET_LISTS = [
  ["elasticloadbalancing", "DescribeLoadBalancers", "LoadBalancerArn"],
  ["elasticloadbalancing", "DescribeTargetGroups", "TargetGroupArn"],
  ["autoscaling", "DescribeAutoScalingGroups", "AutoScalingGroupName"],
  ["autoscaling", "DescribePolicies", "PolicyName"],
] as const;
const IAM_LISTS = { ListRoles: "RoleName", ListInstanceProfiles: "InstanceProfileName" };
const CLOUDWATCH_LISTS = { DescribeAlarms: "AlarmName", ListDashboards: "DashboardName" };

/** Identifiers of everything in the account that this project could have made; terminated machines are gone. */
export async function inventory(): Promise<string[]> {
  const alive = {
    "Filter.1.Name": "instance-state-name",
    "Filter.1.Value.1": "pending",
    "Filter.1.Value.2": "running",
    "Filter.1.Value.3": "stopped",
  };
  const endpointsNotGone = { "Filter.1.Name": "vpc-endpoint-state", "Filter.1.Value.1": "available" };
  const notGone = { "Filter.1.Name": "state", "Filter.1.Value.1": "available" };
  const { SecretList } = await call<{ SecretList: { Name: string }[] }>("secretsmanager", "ListSecrets", {
    IncludePlannedDeletion: true,
  });
  const { logGroups } = await call<{ logGroups: { logGroupName: string }[] }>("logs", "DescribeLogGroups");
  const listed = await Promise.all([
    query("ec2", "DescribeInstances", alive).then((xml) => values(xml, "instanceId")),
    interfaces(),
    query("ec2", "DescribeVpcEndpoints", endpointsNotGone).then((xml) => values(xml, "vpcEndpointId")),
    query("ec2", "DescribeNatGateways", notGone).then((xml) => values(xml, "natGatewayId")),
    ...FLEET_LISTS.map(async ([service, action, field]) => values(await query(service, action), field)),
    ...Object.entries(EC2_LISTS).map(async ([action, field]) => values(await query("ec2", action), field)),
    ...Object.entries(IAM_LISTS).map(async ([action, field]) => values(await query("iam", action), field)),
    ...Object.entries(CLOUDWATCH_LISTS).map(async ([action, field]) =>
      values(await query("monitoring", action), field),
    ),
    query("sns", "ListTopics").then((xml) => values(xml, "TopicArn")),
    SecretList.map(({ Name }) => Name),
    logGroups.map(({ logGroupName }) => logGroupName),
  ]);
  return [...new Set(listed.flat())].sort();
}

/** The network interfaces of the subnets that are there: the emulator keeps those of a NAT gateway that is gone. */
async function interfaces(): Promise<string[]> {
  const subnets = values(await query("ec2", "DescribeSubnets"), "subnetId");
  const inSubnets = Object.fromEntries(subnets.map((id, index) => [`Filter.1.Value.${index + 1}`, id]));
  const filter = { "Filter.1.Name": "subnet-id", ...inSubnets };
  return values(await query("ec2", "DescribeNetworkInterfaces", filter), "networkInterfaceId");
}

/** The machines of all auto scaling groups that were not ended. */
export async function machinesOfFleets(): Promise<string[]> {
  return values(await query("autoscaling", "DescribeAutoScalingInstances"), "InstanceId").sort();
}

export const values = (xml: string, field: string): string[] =>
  [...xml.matchAll(new RegExp(`<${field}>([^<]*)</${field}>`, "g"))].map(([, value = ""]) => value);

/** Forgets everything in the account; moto's own way. */
export async function emptyAccount(): Promise<void> {
  const { ok, status } = await fetch(`${process.env.AWS_ENDPOINT_URL}/moto-api/reset`, { method: "POST" });
  if (!ok) throw new Error(`moto answered ${status}`);
}
