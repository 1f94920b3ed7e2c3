import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { nginxFiles, PROXY_ERROR_STATUSES, parseSettings } from "@app-builder-mtls/proxy";

const PAGE = join(__dirname, "../../docs/requests.md");
const TARGET = { nginxVersion: "1.30.0", listen: ["0.0.0.0"], systemCa: "/etc/ca.pem" };

describe("docs/requests.md", () => {
  it("lists every code of the proxy's own answers with its status, and no other", async () => {
    const page = await readFile(PAGE, "utf8");
    const rows = [...page.matchAll(/^\| `(\w+)` \| (\d{3}) \|/gm)].map(([, code, status]) => [code, Number(status)]);
    assert.deepEqual(Object.fromEntries(rows), PROXY_ERROR_STATUSES);
    assert.equal(rows.length, Object.keys(PROXY_ERROR_STATUSES).length);
  });

  it("gives the times that are in the files", async () => {
    const page = await readFile(PAGE, "utf8");
    const files = nginxFiles(
      parseSettings({ destinations: [{ name: "one", url: "https://api.example.com" }] }),
      TARGET,
    );
    for (const [file, directive, said] of [
      ["requests.conf", "client_header_timeout 15s;", /its header \| 15 s;/],
      ["requests.conf", "client_body_timeout 30s;", /stops in its body \| 30 s/],
      ["requests.conf", "send_timeout 30s;", /stops reading \| 30 s/],
      ["requests.conf", "keepalive_timeout 75s 60s;", /idle \| 75 s; 60 s are announced/],
      ["requests.conf", "keepalive_time 10m;", /10 minutes or 10,000 requests/],
      ["requests.conf", "keepalive_requests 10000;", /10 minutes or 10,000 requests/],
      ["destinations/one.conf", "proxy_send_timeout 30s;", /takes nothing \| 30 s/],
      ["nginx.conf", "worker_shutdown_timeout 65s;", /in progress have 65 s/],
    ] as const) {
      assert.ok(files[file]?.includes(`    ${directive}`) || files[file]?.includes(`${directive}\n`), directive);
      assert.match(page, said);
    }
  });
});
