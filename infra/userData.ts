import { gzipSync } from "node:zlib";
import { cloudConfig } from "@app-builder-mtls/proxy";
import type * as pulumi from "@pulumi/pulumi";
import { placeOf } from "./arn";

/**
 * What a machine is told at its first boot, in base64: where its bundle is, and nothing that a setting could change,
 * so that ordinary changes leave the machine alone. cloud-init reads gzip as well as text; Amazon's limit is 16 KB.
 */
export function userData(secretArn: pulumi.Output<string>): pulumi.Output<string> {
  return secretArn.apply((arn) =>
    gzipSync(cloudConfig({ secretId: arn, region: placeOf(arn).region }), { level: 9 }).toString("base64"),
  );
}
