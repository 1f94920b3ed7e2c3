import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { givingItsWord } from "./lifecycle";
import type { Telemetry } from "./monitoring";
import type { Part } from "./parts";
import type { Settings } from "./settings";

const TRUST = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" }],
};

/** What the machine may do, and it may do nothing else. */
function permissions(secretArn: string, others: object[]) {
  return {
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "ReadItsBundle",
        Effect: "Allow",
        Action: ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
        Resource: secretArn,
      },
      {
        // AmazonSSMManagedInstanceCore would also read every parameter of the account.
        Sid: "SessionManager",
        Effect: "Allow",
        Action: [
          "ssm:UpdateInstanceInformation",
          "ssmmessages:CreateControlChannel",
          "ssmmessages:CreateDataChannel",
          "ssmmessages:OpenControlChannel",
          "ssmmessages:OpenDataChannel",
        ],
        Resource: "*",
      },
      ...others,
    ],
  };
}

/** A stream for each machine in the stack's own log group, and metrics in its own namespace. */
function reporting({ logGroup, namespace }: Telemetry): pulumi.Output<object[]> {
  return pulumi.all([logGroup.arn, namespace]).apply(([logGroupArn, name]) => [
    {
      Sid: "WriteItsLog",
      Effect: "Allow",
      Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
      // With `:*` it is the group and its streams, as CloudWatch Logs wants it in policies.
      Resource: `${logGroupArn}:*`,
    },
    {
      Sid: "ReportMetrics",
      Effect: "Allow",
      Action: "cloudwatch:PutMetricData",
      // There are no narrower resources: the condition is the limit.
      Resource: "*",
      Condition: { StringEquals: { "cloudwatch:namespace": name } },
    },
  ]);
}

/** Who a machine is to AWS. */
export interface MachineRole {
  instanceProfileName: pulumi.Output<string>;
  /** Without it the machine's first fetch is refused. */
  granted: pulumi.Resource;
}

export function machineRole(
  { name, tags, child }: Part,
  { topology }: Settings,
  { secret, telemetry }: { secret: aws.secretsmanager.Secret; telemetry: Telemetry | undefined },
): MachineRole {
  const role = new aws.iam.Role(
    `${name}-machine`,
    {
      description: "mtls-proxy: reads its bundle, reports how it is, opens Session Manager",
      assumeRolePolicy: JSON.stringify(TRUST),
      tags,
    },
    child,
  );
  const policy = pulumi
    .all([secret.arn, telemetry ? reporting(telemetry) : [], topology === "fleet" ? [givingItsWord(secret)] : []])
    .apply(([arn, reports, inFleet]) => permissions(arn, [...reports, ...inFleet]));
  const granted = new aws.iam.RolePolicy(
    `${name}-machine`,
    { role: role.name, policy: pulumi.jsonStringify(policy) },
    child,
  );
  const profile = new aws.iam.InstanceProfile(`${name}-machine`, { role: role.name, tags }, child);
  return { instanceProfileName: profile.name, granted };
}
