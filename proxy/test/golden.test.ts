import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { nginxFiles } from "../index";
import { EXAMPLES } from "./support/examples";

const GOLDEN = join(__dirname, "golden");
const UPDATE = process.env.UPDATE_GOLDEN === "1";

describe("the rendered files", () => {
  for (const [name, { settings, target }] of Object.entries(EXAMPLES)) {
    it(`are what proxy/test/golden/${name} shows a reviewer: npm run golden:update after a wanted change`, async () => {
      const directory = join(GOLDEN, name);
      const rendered = textsOf(nginxFiles(settings, target));
      if (UPDATE) await replaceAll(directory, rendered);
      assert.deepEqual(rendered, await readAll(directory));
    });

    it(`are the same for the same settings: ${name}`, () => {
      assert.deepEqual(nginxFiles(settings, target), nginxFiles(structuredClone(settings), structuredClone(target)));
    });
  }
});

/** Certificates and keys are no texts of ours. */
const textsOf = (files: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(files).filter(([path]) => !/\.(crt|key)$/.test(path)));

async function readAll(directory: string): Promise<Record<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const read = async (path: string) => [relative(directory, path), await readFile(path, "utf8")];
  return Object.fromEntries(await Promise.all(paths.map(read)));
}

async function replaceAll(directory: string, files: Record<string, string>): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content);
  }
}
