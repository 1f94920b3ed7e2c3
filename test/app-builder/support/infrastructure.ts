import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestProxy } from "../../support/proxy";

/**
 * The infrastructure repository beside the application, as far as `mtls-proxy env` sees it: a stack that is up, whose
 * outputs are those of the given proxy. `bin/pulumi` reads them; the real engine has tests of its own.
 */
export async function infrastructure(parent: string, proxy: TestProxy): Promise<void> {
  const directory = join(parent, "app-builder-mtls-proxy");
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, "stack-outputs.json"), JSON.stringify(outputsOf(proxy)));
}

function outputsOf({ endpoint, client, ca }: TestProxy) {
  const credentials = { endpoint, clientCert: client.cert, clientKey: client.key, caCert: ca.cert };
  return {
    ...credentials,
    clients: { "app-builder": credentials },
    egressIps: [new URL(endpoint).hostname],
    bundleVersion: "0",
  };
}
