import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { downloadDebianPackage } from "../../cli/src/debianPackages";
import { type Nginx, nginxInside, obtainNginx } from "../../cli/src/nginx";

const exec = promisify(execFile);
const say = (progress: string) => process.stderr.write(`    ${progress}\n`);

let obtained: Promise<Nginx> | undefined;

/** The nginx under test: this machine's, or that of the Debian release named by NGINX_RELEASE (bookworm, trixie, sid). */
export function nginxUnderTest(): Promise<Nginx> {
  const { NGINX_RELEASE } = process.env;
  obtained ??= NGINX_RELEASE ? nginxOfRelease(NGINX_RELEASE) : obtainNginx(say);
  return obtained;
}

export async function nginxOfRelease(release: string): Promise<Nginx> {
  const sources = `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${await debianMirror()} ${release} main\n`;
  return nginxInside(await downloadDebianPackage("nginx", { say, sources }));
}

/** The mirror that this machine's own packages come from. */
async function debianMirror(): Promise<string> {
  const { stdout } = await exec("apt-get", ["indextargets", "--format", "$(SITE) $(RELEASE)", "Created-By: Packages"]);
  const mirror = stdout
    .split("\n")
    .map((line) => line.split(" ")[0] ?? "")
    .find((site) => /\/debian\/?$/.test(site));
  if (!mirror) throw new Error("nginx of another Debian release can be fetched on Debian alone.");
  return mirror;
}
