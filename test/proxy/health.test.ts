import assert from "node:assert/strict";
import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { HEALTH_PATH, parseSettings, STATUS_PATH } from "@app-builder-mtls/proxy";
import { type NginxProcess, startNginx } from "../../cli/src/local/nginxProcess";
import { issueClient } from "../support/certificates";
import { connects } from "../support/connects";
import { nginxUnderTest } from "../support/nginx";
import { type WrittenProxy, writeProxyFiles } from "../support/nginxCheck";
import { get, RawConnection } from "../support/rawClient";
import { until } from "../support/until";

const STARTS_MS = 15_000;
/** As a load balancer asks. */
const CHECK = `GET ${HEALTH_PATH} HTTP/1.1\r\nHost: 10.0.0.10:8080\r\nConnection: close\r\n\r\n`;

describe("the health port of a fleet's machine", () => {
  let written: WrittenProxy;
  let nginx: NginxProcess;
  let readyFile: string;

  before(async () => {
    const destinations = [{ name: "root", url: "https://localhost:9" }];
    written = await writeProxyFiles(parseSettings({ allowLocalDestinations: true, destinations }), { health: true });
    const { directory, files, healthPort } = written;
    await symlink(".", join(directory, "current"));
    await mkdir(join(directory, "state"));
    const version = /default "(\w+)"/.exec(files["version.conf"] ?? "")?.[1];
    readyFile = join(directory, `state/${version}.ready`);
    nginx = startNginx(await nginxUnderTest(), directory);
    await until(() => connects("127.0.0.1", healthPort), STARTS_MS);
  });
  after(async () => {
    await nginx.stop();
    await written[Symbol.asyncDispose]();
  });
  beforeEach(() => writeFile(readyFile, "ready\n"));

  /** All that comes back for some bytes until the connection ends. */
  async function said(bytes: string): Promise<string> {
    const socket = connect(written.healthPort, "127.0.0.1");
    socket.setEncoding("latin1").write(bytes);
    let answer = "";
    socket.on("data", (chunk: string) => {
      answer += chunk;
    });
    await new Promise((resolve) => socket.on("error", () => undefined).on("close", resolve));
    return answer;
  }
  const statusOf = async (bytes: string) => Number(/^HTTP\/1\.1 (\d{3}) /.exec(await said(bytes))?.[1]);

  it("answers 200 only while the file says that the very version which nginx has loaded is proven", async () => {
    assert.equal(await statusOf(CHECK), 200);
    assert.equal(await statusOf(CHECK.replace("GET", "HEAD")), 200);
    await rm(readyFile);
    assert.equal(await statusOf(CHECK), 503);
    await writeFile(join(written.directory, "state/0000000000000000.ready"), "ready\n");
    assert.equal(await statusOf(CHECK), 503);
    await writeFile(readyFile, "ready\n");
    assert.equal(await statusOf(CHECK), 200);
  });

  it("knows no other path: no status, no destination, no file of sync's", async () => {
    const name = readyFile.split("/").at(-1);
    for (const path of [
      "/",
      STATUS_PATH,
      `/${name}`,
      `${HEALTH_PATH}/`,
      `${HEALTH_PATH}/../${name}`,
      `${HEALTH_PATH}x`,
      "/..",
    ]) {
      const status = await statusOf(CHECK.replace(HEALTH_PATH, path));
      assert.ok(status === 404 || (path === "/.." && status === 400), `${path}: ${status}`);
    }
  });

  it("takes no other method, no body, no long request, and keeps no connection", async () => {
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
      assert.equal(await statusOf(CHECK.replace("GET", method)), 405, method);
    assert.equal(await statusOf(CHECK.replace("\r\n\r\n", "\r\nContent-Length: 2\r\n\r\nxx")), 413);
    assert.equal(await statusOf(CHECK.replace("\r\n\r\n", `\r\nX: ${"x".repeat(2_000)}\r\n\r\n`)), 400);
    assert.equal(await statusOf(CHECK.replace(HEALTH_PATH, `${HEALTH_PATH}?${"x".repeat(2_000)}`)), 414);
    const twice = await said(CHECK.replace("Connection: close\r\n", "").repeat(2));
    assert.equal(twice.match(/HTTP\/1\.1 \d/g)?.length, 1);
  });

  it("cuts off who sends nothing after a few seconds", async () => {
    const begun = Date.now();
    await said("GET ");
    assert.ok(Date.now() - begun < 12_000, `${Date.now() - begun} ms`);
  });

  it("opens nothing on the proxy's own port, which still asks for a certificate first", async () => {
    for (const [client, status] of [
      [undefined, 403],
      [await issueClient(written.ca), 404],
    ] as const) {
      await using connection = await RawConnection.open(written, client);
      assert.equal((await connection.ask(get("/.mtls-proxy/health")))?.status, status);
    }
    await using connection = await RawConnection.open(written, await issueClient(written.ca));
    assert.equal((await connection.ask(get(HEALTH_PATH)))?.status, 502, "a destination at / gets it");
  });

  it("writes no line to a log, however it is asked", async () => {
    const logs = async () =>
      (
        await Promise.all(
          ["access", "error"].map((name) => readFile(join(written.directory, `logs/${name}.log`), "utf8")),
        )
      ).join("");
    const before = await logs();
    await said(CHECK);
    await rm(readyFile);
    await said(CHECK);
    await said(CHECK.replace(HEALTH_PATH, "/elsewhere"));
    assert.equal(await logs(), before);
  });
});

describe("without health checks", () => {
  it("there is no second port", async () => {
    const settings = parseSettings({ destinations: [{ url: "https://localhost" }], allowLocalDestinations: true });
    await using single = await writeProxyFiles(settings);
    const listens = Object.values(single.files).flatMap((text) => text.match(/^\s*listen .*/gm) ?? []);
    assert.deepEqual(
      listens.map((line) => line.trim()),
      ["listen 127.0.0.1:443 ssl;"],
    );
  });
});
