import { readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { TestProxy } from "../../support/proxy";
import { until } from "../../support/until";

/** Where a file lies that nginx has loaded. */
const servedFile = ({ local }: TestProxy, file: string): string =>
  join(dirname(dirname(local.logFile)), "current", file);

/** Puts a new file in the place of one: from 1.27.4 on nginx keeps what it read of a certificate whose inode and second are the same. */
export async function replace(proxy: TestProxy, file: string, content: string): Promise<void> {
  const path = servedFile(proxy, file);
  await writeFile(`${path}.new`, content);
  await rename(`${path}.new`, path);
}

/** Changes a file that nginx has loaded, and waits until only workers that know the change are left. */
export async function alter(proxy: TestProxy, file: string, change: (text: string) => string): Promise<void> {
  const before = await readFile(servedFile(proxy, file), "utf8");
  const after = change(before);
  if (after === before) throw new Error(`nothing to change in ${file}`);
  await replace(proxy, file, after);
  const old = new Set(await workersOf(proxy));
  proxy.local.nginx.reload();
  await until(async () => {
    const now = await workersOf(proxy);
    return now.length > 0 && now.every((pid) => !old.has(pid));
  }, 10_000);
}

/** Linux lists a process' children. */
async function workersOf({ local }: TestProxy): Promise<string[]> {
  const { pid } = local.nginx;
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  return children.trim().split(" ").filter(Boolean);
}
