import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Part } from "./parts";

const TRUST = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" }],
};

/** What the machine may do, and it may do nothing else. */
function permissions(secretArn: string) {
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
    ],
  };
}

/** Who a machine is to AWS. */
export interface MachineRole {
  instanceProfileName: pulumi.Output<string>;
  /** Without it the machine's first fetch is refused. */
  granted: pulumi.Resource;
}

export function machineRole({ name, tags, child }: Part, secretArn: pulumi.Output<string>): MachineRole {
  const role = new aws.iam.Role(
    `${name}-machine`,
    {
      description: "mtls-proxy: reads its bundle, opens Session Manager",
      assumeRolePolicy: JSON.stringify(TRUST),
      tags,
    },
    child,
  );
  const granted = new aws.iam.RolePolicy(
    `${name}-machine`,
    { role: role.name, policy: pulumi.jsonStringify(secretArn.apply(permissions)) },
    child,
  );
  const profile = new aws.iam.InstanceProfile(`${name}-machine`, { role: role.name, tags }, child);
  return { instanceProfileName: profile.name, granted };
}
