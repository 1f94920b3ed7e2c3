import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { issueCa, issueServer } from "../../support/certificates";

/**
 * What `aio app dev` would else make with a browser: its own certificate.
 * @returns the CA that signs it
 */
export async function makeDevelopmentKeys(app: string): Promise<string> {
  const ca = await issueCa();
  const { cert, key } = await issueServer(ca);
  const directory = join(app, "dist/dev-keys");
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, "private.key"), key, { mode: 0o600 });
  await writeFile(join(directory, "cert-pub.crt"), cert);
  return ca.cert;
}
