import { readFileSync } from "node:fs";
import { join } from "node:path";
import { withoutComments } from "./comments";

/** What a machine has to know to find its bundle; the same for as long as the stack lives. */
export interface MachineFacts {
  /** Name or ARN of the secret that holds the bundle. */
  secretId: string;
  region: string;
  /** Where AWS answers, in an emulated AWS only. */
  endpointUrl?: string;
}

const read = (name: string): string => withoutComments(name, readFileSync(join(__dirname, name), "utf8"));

/** A value that systemd's EnvironmentFile= and YAML's block scalars take as it is. */
const PLAIN = /^[A-Za-z0-9:/._@+=-]+$/;

/**
 * The user data that makes a plain Amazon Linux 2023 or Debian image a proxy.
 * About 44 KB, 12 KB gzipped: EC2 takes 16 KB, and cloud-init unpacks gzip by itself. Comments stay behind.
 */
export function cloudConfig(facts: MachineFacts): string {
  return read("cloud-config.yaml").replace(
    /^( *)content: !(?:file (\S+)|environment)$/gm,
    (_, indent: string, name: string | undefined) =>
      `${indent}content: |\n${indented(name ? read(`files/${name}`) : environment(facts), `${indent}  `)}`,
  );
}

function environment({ secretId, region, endpointUrl }: MachineFacts): string {
  const variables = {
    MTLS_PROXY_SECRET: secretId,
    AWS_REGION: region,
    ...(endpointUrl && { AWS_ENDPOINT_URL: endpointUrl }),
  };
  return Object.entries(variables)
    .map(([name, value]) => {
      if (!PLAIN.test(value))
        throw new Error(`${name} has characters that no name in AWS has: ${JSON.stringify(value)}`);
      return `${name}=${value}\n`;
    })
    .join("");
}

const indented = (content: string, indent: string): string =>
  content
    .trimEnd()
    .split("\n")
    .map((line) => (line === "" ? "" : `${indent}${line}`))
    .join("\n");
