import * as pulumi from "@pulumi/pulumi";

/** `arn:PARTITION:SERVICE:REGION:ACCOUNT:…`; the stack's own setting may be empty and come from the environment. */
export function placeOf(arn: string): { region: string; account: string } {
  const [, , , region, account] = arn.split(":");
  if (region && account) return { region, account };
  throw new pulumi.RunError(`The ARN names no region and account: ${arn}`);
}
