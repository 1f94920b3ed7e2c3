import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import type { SecureVersion } from "node:tls";
import { createMtlsAgent } from "../src";
import { makeCa } from "./support/certificates";
import { get } from "./support/request";
import { assertHidesKey } from "./support/secrets";
import { paramsOf, startServer } from "./support/server";
import { until } from "./support/wait";

describe("createMtlsAgent", () => {
  for (const version of ["TLSv1.2", "TLSv1.3"] as SecureVersion[]) {
    it(`presents the client certificate over ${version}`, async () => {
      await using server = await startServer({ minVersion: version, maxVersion: version });
      const answer = await get(server.endpoint, { agent: createMtlsAgent(server.params) });
      assert.deepEqual([answer.status, answer.protocol], [200, version]);
    });

    it(`resumes TLS sessions over ${version}`, async () => {
      await using server = await startServer({
        minVersion: version,
        maxVersion: version,
        answer: (_, response) => response.setHeader("connection", "close").end(),
      });
      const agent = createMtlsAgent(server.params);
      const first = await get(server.endpoint, { agent });
      const second = await get(server.endpoint, { agent });
      assert.deepEqual([first.reusedSession, second.reusedSession], [false, true]);
    });
  }

  it("refuses TLS 1.1, whatever the request says", async () => {
    const old: SecureVersion = "TLSv1.1";
    await using server = await startServer({ minVersion: old, maxVersion: old, ciphers: "DEFAULT@SECLEVEL=0" });
    const options = { agent: createMtlsAgent(server.params), minVersion: old, ciphers: "DEFAULT@SECLEVEL=0" };
    await assert.rejects(get(server.endpoint, options), /protocol/);
  });

  it("is made once per credentials, and keeps its connections", async () => {
    await using server = await startServer();
    assert.equal(createMtlsAgent({ ...server.params }), createMtlsAgent({ ...server.params, other: 1 }));
    const first = await get(server.endpoint, { agent: createMtlsAgent(server.params) });
    const second = await get(server.endpoint, { agent: createMtlsAgent(server.params) });
    assert.deepEqual([first.reusedConnection, second.reusedConnection], [false, true]);
  });

  it("is another for other credentials", async () => {
    const ca = await makeCa();
    const one = await paramsOf(ca, "https://proxy.example.com");
    const other = await paramsOf(ca, "https://proxy.example.com");
    assert.notEqual(createMtlsAgent(one), createMtlsAgent(other));
  });

  it("keeps the agents of the eight latest credentials, so that callers cannot fill the memory", async () => {
    const ca = await makeCa();
    const sets = await Promise.all(Array.from({ length: 9 }, () => paramsOf(ca, "https://proxy.example.com")));
    const [first = {}, second = {}, ...others] = sets;
    const [firstAgent, secondAgent] = [createMtlsAgent(first), createMtlsAgent(second)];
    for (const params of others.slice(0, 6)) createMtlsAgent(params);
    assert.equal(createMtlsAgent(first), firstAgent, "used again, it is among the latest");
    for (const params of others.slice(6)) createMtlsAgent(params);
    assert.equal(createMtlsAgent(first), firstAgent);
    assert.notEqual(createMtlsAgent(second), secondAgent);
  });

  it("checks the dates again whenever it is asked for", async () => {
    const ca = await makeCa();
    const { cert, key } = await ca.issue({ toDays: 2 / 24 / 60 / 60 });
    const params = { ...(await paramsOf(ca, "https://proxy.example.com")), __AIO_MTLS_CERT: cert, __AIO_MTLS_KEY: key };
    createMtlsAgent(params, { warn: () => {} });
    const codes = new Set<unknown>();
    await until(() => {
      try {
        createMtlsAgent(params);
      } catch (error) {
        codes.add((error as { code: unknown }).code);
      }
      return codes.size > 0;
    });
    assert.deepEqual([...codes], ["ERR_MTLS_EXPIRED"]);
  });

  it("warns once per credentials when the certificate has under 30 days left", async () => {
    const ca = await makeCa();
    const params = await paramsOf(ca, "https://proxy.example.com");
    const { cert, key } = await ca.issue({ toDays: 29.5 });
    const warnings: string[] = [];
    const warn = (message: string) => warnings.push(message);
    const soon = { ...params, __AIO_MTLS_CERT: cert, __AIO_MTLS_KEY: key };
    for (const each of [params, soon, soon]) createMtlsAgent(each, { warn });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", /ends in 29 days, on \d{4}-\d\d-\d\d\. Run `pulumi up`/);
    assertHidesKey(warnings, key);
  });

  it("warns on the console unless told otherwise", async () => {
    const ca = await makeCa();
    const { cert, key } = await ca.issue({ toDays: 3 });
    const params = { ...(await paramsOf(ca, "https://proxy.example.com")), __AIO_MTLS_CERT: cert, __AIO_MTLS_KEY: key };
    const original = console.warn;
    const warnings: unknown[] = [];
    console.warn = (message: unknown) => warnings.push(message);
    try {
      createMtlsAgent(params);
    } finally {
      console.warn = original;
    }
    assert.match(String(warnings), /^app-builder-mtls: the client certificate ends in 2 days/);
  });

  it("does not show the key when it is printed, even while it is in use", async () => {
    await using server = await startServer();
    const agent = createMtlsAgent(server.params);
    assertHidesKey(agent, server.params.__AIO_MTLS_KEY);
    await get(server.endpoint, { agent });
    assertHidesKey(agent, server.params.__AIO_MTLS_KEY);
    assertHidesKey(agent.freeSockets, server.params.__AIO_MTLS_KEY);
  });

  it("verifies the server, whatever the request says", async () => {
    await using server = await startServer();
    const stranger = await makeCa();
    const agent = createMtlsAgent(await paramsOf(stranger, server.endpoint));
    const options = { agent, rejectUnauthorized: false, ca: server.ca.cert, checkServerIdentity: () => undefined };
    await assert.rejects(get(server.endpoint, options), { code: /^(UNABLE_TO_|SELF_SIGNED)/ });
  });

  it("verifies the server's name, whatever the request says", async () => {
    await using server = await startServer();
    const identity = await server.ca.issue({ names: ["proxy.example.com"] });
    server.server.setSecureContext({ ...identity, ca: server.ca.cert });
    const options = { agent: createMtlsAgent(server.params), checkServerIdentity: () => undefined };
    await assert.rejects(get(server.endpoint, options), { code: "ERR_TLS_CERT_ALTNAME_INVALID" });
  });

  it("verifies the server even with NODE_TLS_REJECT_UNAUTHORIZED=0", async () => {
    await using server = await startServer();
    const stranger = await paramsOf(await makeCa(), server.endpoint);
    assert.equal(await callInChild(server.params), "200");
    assert.equal(await callInChild(stranger), "ERR_MTLS_SERVER_FOREIGN_CA");
  });

  it("closes idle connections a second before the server would", async () => {
    await using server = await startServer();
    server.server.keepAliveTimeout = 60_000;
    const agent = createMtlsAgent(server.params);
    await get(server.endpoint, { agent });
    const idle = () => Object.values(agent.freeSockets).flatMap((sockets) => sockets ?? []);
    await until(() => idle().length === 1);
    assert.deepEqual(
      idle().map(({ timeout }) => timeout),
      [59_000],
    );
  });
});

async function callInChild(params: object): Promise<string> {
  const child = spawn(process.execPath, ["--import", "tsx", require.resolve("./support/call-in-child")], {
    env: { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: "0", NODE_NO_WARNINGS: "1" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.end(JSON.stringify(params));
  return text(child.stdout);
}
