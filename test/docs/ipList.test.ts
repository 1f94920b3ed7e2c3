import assert from "node:assert/strict";
import { readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { parseSettings } from "@app-builder-mtls/proxy";
import { parse } from "yaml";
import { surroundings } from "../ipList/surroundings";
import { finished, run } from "../support/commandLine";
import { codeBlocks } from "./codeBlocks";

const REPOSITORY = join(__dirname, "../..");
const PAGE = join(REPOSITORY, "docs/ip-list.md");

describe("docs/ip-list.md", function () {
  this.timeout(60_000);

  it("gives commands that work one after the other, with an aio and a pulumi that only play their parts", async () => {
    const [first, daily, look, ...others] = (await codeBlocks(PAGE)).flatMap(({ language, text }) =>
      language === "sh" ? [text] : [],
    );
    assert.equal(others.length, 0);
    await using scene = await surroundings();
    await symlink(join(REPOSITORY, "node_modules"), join(scene.directory, "node_modules"));
    const typed = (text = "") => finished(run("sh", ["-ec", text], { cwd: scene.directory, env: scene.environment }));
    assert.match((await typed(look)).stderr, /ERR_MTLS_IP_LIST_OUTDATED/);
    for (const block of [first, daily]) {
      const { exit, stdout, stderr } = await typed(block);
      assert.equal(exit, 0, stderr);
      assert.match(stdout, /The stack's configuration has the list\. Type: pulumi up --stack dev\n$/);
      assert.ok(await scene.written());
    }
    const ingress = await scene.written();
    await scene.configured({ value: JSON.stringify(ingress), secret: false });
    assert.equal((await typed(look)).exit, 0);
  });

  it("shows settings that are accepted as they stand", async () => {
    const [shown, ...others] = (await codeBlocks(PAGE)).filter(({ language }) => language === "yaml");
    assert.equal(others.length, 0);
    const { ingress } = parse(shown?.text ?? "");
    assert.deepEqual(parseSettings({ destinations: [{ url: "https://api.example.com" }], ingress }).ingress, ingress);
  });

  it("tells how many rules the security group takes, and how long an address that went out may stay", async () => {
    const [page, callers, main] = await Promise.all(
      [PAGE, "../../infra/callers.ts", "../../proxy/nginx/main.ts"].map((path) =>
        readFile(path === PAGE ? path : join(__dirname, path), "utf8"),
      ),
    );
    const rules = /MOST_RULES = (\d+)/.exec(callers ?? "")?.[1];
    const seconds = /worker_shutdown_timeout (\d+)s/.exec(main ?? "")?.[1];
    assert.ok(page?.includes(`: ${rules} rules, one for each range`));
    assert.ok(page?.includes(`ends within ${seconds} s of that`));
  });
});
