import { gzipSync } from "node:zlib";
import { cloudConfig } from "@app-builder-mtls/proxy";
import * as pulumi from "@pulumi/pulumi";

/**
 * What a machine is told at its first boot, in base64: where its bundle is, and nothing that a setting could change,
 * so that ordinary changes leave the machine alone. cloud-init reads gzip as well as text; Amazon's limit is 16 KB.
 */
export function userData(secretArn: pulumi.Output<string>): pulumi.Output<string> {
  return secretArn.apply((arn) =>
    gzipSync(cloudConfig({ secretId: arn, region: regionOf(arn) }), { level: 9 }).toString("base64"),
  );
}

/** `arn:aws:secretsmanager:REGION:…`; the stack's own setting may be empty and come from the environment. */
function regionOf(arn: string): string {
  const region = arn.split(":")[3];
  if (region) return region;
  throw new pulumi.RunError(`The secret's ARN names no region: ${arn}`);
}
