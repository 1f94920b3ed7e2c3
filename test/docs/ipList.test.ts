import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseSettings } from "@app-builder-mtls/proxy";
import { parse } from "yaml";
import { codeBlocks } from "./codeBlocks";

const PAGE = join(__dirname, "../../docs/ip-list.md");

describe("docs/ip-list.md", () => {
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
