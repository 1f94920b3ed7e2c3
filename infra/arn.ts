import * as pulumi from "@pulumi/pulumi";

/** `arn:PARTITION:SERVICE:REGION:ACCOUNT:…`; the stack's own setting may be empty and come from the environment. */
export function placeOf(arn: string): { partition: string; region: string; account: string } {
  const [, partition, , region, account] = arn.split(":");
  if (partition && region && account) return { partition, region, account };
  throw new pulumi.RunError(`The ARN names no partition, region and account: ${arn}`);
}
