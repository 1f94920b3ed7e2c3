import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { BundleTooLargeError } from "./errors";
import { SECRET_BYTES } from "./settings";

/** File texts by their path inside the bundle. */
export type Files = Record<string, string>;

/** Everything that one proxy needs to serve, as one document. */
export interface Bundle {
  /** The form of this document, raised when a reader must change with it. */
  format: 1;
  /** A hash of its content: the same content has the same version. */
  version: string;
  /** The release of nginx that the files were rendered for; an older one refuses them. */
  nginx: string;
  /** SHA-256 of each file, in hex, by path. */
  manifest: Record<string, string>;
  files: Files;
}

const sha256 = (content: string): string => createHash("sha256").update(content).digest("hex");

/**
 * @param nginx the release that the files were rendered for
 * @param content everything but `version.conf`, which names the version and is made from it here
 */
export function makeBundle(nginx: string, content: Files): Bundle {
  const version = sha256(JSON.stringify({ format: 1, nginx, manifest: manifestOf(content) })).slice(0, 16);
  const files = inOrder({ ...content, "version.conf": versionFile(version) });
  return { format: 1, version, nginx, manifest: manifestOf(files), files };
}

const inOrder = (files: Files): Files =>
  Object.fromEntries(Object.entries(files).sort(([one], [other]) => (one < other ? -1 : 1)));

const manifestOf = (files: Files): Record<string, string> =>
  Object.fromEntries(Object.entries(inOrder(files)).map(([path, content]) => [path, sha256(content)]));

/** So that nginx can say which version it has loaded. */
const versionFile = (version: string): string => `map "" $bundle_version {\n    default "${version}";\n}\n`;

/**
 * The bundle as it is stored: gzipped JSON, the same bytes for the same bundle.
 * @throws BundleTooLargeError above what a secret of AWS Secrets Manager holds
 */
export function packBundle(bundle: Bundle): Buffer {
  const packed = gzipSync(JSON.stringify(bundle), { level: 9 });
  if (packed.length > SECRET_BYTES) throw new BundleTooLargeError(packed.length, SECRET_BYTES);
  return packed;
}
