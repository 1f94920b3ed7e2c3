import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { STATUS_PATH } from "@app-builder-mtls/proxy";
import type { Issued } from "../../cli/src/certificates";
import { type ByteBackend, startByteBackend } from "../support/byteBackend";
import { issueClient } from "../support/certificates";
import { destinationOf, startProxy, type TestProxy } from "../support/proxy";
import { get, type RawAnswer, RawConnection } from "../support/rawClient";

describe("the status", () => {
  let backend: ByteBackend;
  let proxy: TestProxy;

  before(async () => {
    backend = await startByteBackend();
    proxy = await startProxy({
      destinations: [
        destinationOf(backend, { name: "root" }),
        destinationOf(backend, { name: "pim", path: "/pim/" }),
        destinationOf(backend, { name: "orders", path: "/orders/", stripPath: false }),
      ],
    });
  });
  after(async () => {
    await proxy[Symbol.asyncDispose]();
    await backend[Symbol.asyncDispose]();
  });

  async function ask(certificate: Issued | undefined, bytes: string): Promise<RawAnswer> {
    await using connection = await RawConnection.open(proxy, certificate);
    const answer = await connection.ask(bytes);
    assert.ok(answer);
    return answer;
  }

  it("names the bundle that serves and the destinations with their paths, and no address", async () => {
    const { status, headers, body } = await ask(proxy.client, get(STATUS_PATH));
    assert.equal(status, 200);
    assert.deepEqual([headers["content-type"], headers["cache-control"]], ["application/json", "no-store"]);
    assert.deepEqual(JSON.parse(body.toString()), {
      bundleVersion: proxy.local.bundleVersion,
      destinations: [
        { name: "root", path: "/" },
        { name: "pim", path: "/pim/" },
        { name: "orders", path: "/orders/" },
      ],
    });
  });

  it("is refused to strangers, and to clients that are not listed", async () => {
    for (const [certificate, code] of [
      [undefined, "client_certificate_required"],
      [await issueClient(proxy.ca, { name: "stranger" }), "client_not_listed"],
    ] as const) {
      const answer = await ask(certificate, get(STATUS_PATH));
      assert.deepEqual([answer.status, answer.headers["x-mtls-proxy-error"]], [403, code]);
    }
  });

  it("is what the probe may ask for, and nothing else", async () => {
    const probe = await issueClient(proxy.ca, { name: "probe" });
    assert.equal((await ask(probe, get(STATUS_PATH))).status, 200);
    for (const path of ["/", "/x", "/pim/x", "/orders/x", "/pim", "/.mtls-proxy/"]) {
      const answer = await ask(probe, get(path));
      assert.deepEqual([answer.status, answer.headers["x-mtls-proxy-error"]], [404, "no_such_destination"], path);
    }
    assert.equal(
      (await ask(await issueClient(proxy.ca, { name: "probe", generation: 2 }), get(STATUS_PATH))).status,
      403,
    );
    assert.deepEqual(backend.seen, []);
  });

  it("is read only", async () => {
    for (const method of ["POST", "PUT", "DELETE"]) {
      const answer = await ask(proxy.client, get(STATUS_PATH).replace("GET", method));
      assert.deepEqual([answer.status, answer.headers["x-mtls-proxy-error"]], [405, "method_not_allowed"]);
    }
  });

  it("is what sync knows beyond, once it has written it for this bundle, and for no other", async () => {
    await using own = await startProxy({ destinations: [destinationOf(backend)] });
    const state = join(dirname(dirname(own.local.logFile)), "state");
    await writeFile(join(state, "0000000000000000.json"), '{"of":"another bundle"}');
    const served = async () => {
      await using connection = await RawConnection.open(own, own.client);
      return JSON.parse(String((await connection.ask(get(STATUS_PATH)))?.body));
    };
    assert.deepEqual(Object.keys(await served()), ["bundleVersion", "destinations"]);
    await writeFile(join(state, `${own.local.bundleVersion}.json`), '{"known":"by sync"}');
    assert.deepEqual(await served(), { known: "by sync" });
  });

  it("of another bundle is asked for in vain", async () => {
    for (const path of [
      `${STATUS_PATH}/`,
      `${STATUS_PATH}.json`,
      `${STATUS_PATH}/../x.json`,
      "/.mtls-proxy/state",
      `/${proxy.local.bundleVersion}.json`,
    ]) {
      const answer = await ask(proxy.client, get(path));
      assert.doesNotMatch(answer.body.toString(), /bundleVersion/, path);
    }
    backend.seen.length = 0;
  });
});
