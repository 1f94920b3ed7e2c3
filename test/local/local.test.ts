import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { createMtlsFetch } from "app-builder-mtls";
import { parse } from "dotenv-of-aio";
import { freePort } from "../../cli/src/local/ports";
import { type Backend, startBackend } from "../support/backend";
import { finished, mtlsProxy, type RunningCommand } from "../support/commandLine";
import { temporaryDirectory } from "../support/directory";
import { until } from "../support/until";

const somePort = () => freePort(10_000 + Math.floor(Math.random() * 9_000));

async function serve(directory: string, backend: Backend, ...more: string[]): Promise<RunningCommand> {
  const ca = join(directory, "backend-ca.crt");
  await writeFile(ca, backend.ca);
  const port = String(await somePort());
  const command = mtlsProxy(
    [
      "local",
      "--destination",
      backend.url,
      "--destination-ca",
      ca,
      "--dir",
      join(directory, "state"),
      "--port",
      port,
      ...more,
    ],
    { cwd: directory },
  );
  await command.says(/serving|endpoint/);
  return command;
}

describe("mtls-proxy local", function () {
  this.timeout(60_000);

  it("serves what its .env gives access to, follows the log, and ends in order on Ctrl-C", async () => {
    await using directory = await temporaryDirectory();
    await using backend = await startBackend();
    await using command = await serve(directory.path, backend);
    const params = parse(await readFile(join(directory.path, "state/.env")));
    const response = await createMtlsFetch(params)("/stock?token=secret");
    assert.equal(response.status, 200);
    assert.deepEqual(
      backend.seen.map(({ url, headers }) => [url, headers["x-mtls-client"]]),
      [["/stock?token=secret", "app-builder"]],
    );
    await command.says("GET /stock  app-builder → localhost");
    const nginx = Number(await readFile(join(directory.path, "state/run/nginx.pid"), "utf8"));
    command.signal("SIGINT");
    assert.equal(await command.ended, 0);
    assert.ok(!existsSync(`/proc/${nginx}`), "nginx is gone");
  });

  it("shows no key and no query string in what it prints or logs, and lets nobody else read its files", async () => {
    await using directory = await temporaryDirectory();
    await using backend = await startBackend();
    await using command = await serve(directory.path, backend);
    const params = parse(await readFile(join(directory.path, "state/.env")));
    await createMtlsFetch(params)("/stock?token=hidden-in-query", { headers: { authorization: "hidden-in-header" } });
    await command.says("GET /stock");
    const logs = join(directory.path, "state/run/logs");
    const texts = [command.stdout, command.stderr];
    for (const name of await readdir(logs)) texts.push(await readFile(join(logs, name), "utf8"));
    const keyLine = params.__AIO_MTLS_KEY?.split("\n")[1] ?? assert.fail("a key of several lines");
    for (const secret of [keyLine, "hidden-in-query", "hidden-in-header", "PRIVATE KEY"]) {
      assert.ok(!texts.join("\n").includes(secret), `${secret} was printed or logged`);
    }
    assert.equal((await stat(join(directory.path, "state"))).mode & 0o077, 0);
    for (const path of [
      "state/.env",
      "state/certificates/ca.key",
      "state/certificates/client-app-builder.key",
      "state/run/current/server.key",
    ]) {
      assert.equal((await stat(join(directory.path, path))).mode & 0o777, 0o600, path);
    }
    assert.equal(await readFile(join(directory.path, "state/.gitignore"), "utf8"), "*\n");
  });

  it("keeps its certificates between runs, so that an application's .env stays good", async () => {
    await using directory = await temporaryDirectory();
    await using backend = await startBackend();
    const envFile = join(directory.path, "app.env");
    await writeFile(envFile, "# mine\nOTHER=1\n");
    const credentials: string[] = [];
    for (let run = 0; run < 2; run++) {
      await using command = await serve(directory.path, backend, "--file", envFile);
      command.signal("SIGINT");
      assert.equal(await command.ended, 0);
      const { OTHER, __AIO_MTLS_KEY } = parse(await readFile(envFile));
      assert.equal(OTHER, "1");
      credentials.push(__AIO_MTLS_KEY ?? "none");
    }
    assert.equal(credentials[0], credentials[1]);
  });

  it("makes the .env that is not there yet", async () => {
    await using directory = await temporaryDirectory();
    await using backend = await startBackend();
    await using _ = await serve(directory.path, backend, "--file", "new.env");
    assert.ok(parse(await readFile(join(directory.path, "new.env"))).__AIO_MTLS_KEY);
  });

  it("serves a settings file with several destinations and clients, and gives the credentials of the one that is asked for", async () => {
    await using directory = await temporaryDirectory();
    await using erp = await startBackend();
    await using pim = await startBackend();
    const destinations = [
      { name: "erp", path: "/erp", url: erp.url, ca: erp.ca },
      { name: "pim", path: "/pim", url: pim.url, ca: pim.ca },
    ];
    const settings = {
      destinations,
      clients: [{ name: "app-builder" }, { name: "partner-x" }],
      port: await somePort(),
    };
    const file = join(directory.path, "proxy.json");
    await writeFile(file, JSON.stringify(settings));
    await using command = mtlsProxy(["local", "--settings", file, "--client", "partner-x", "--json"], {
      cwd: directory.path,
    });
    await command.says("endpoint");
    const { endpoint, envFile } = JSON.parse(command.stdout);
    assert.equal(endpoint, `https://127.0.0.1:${settings.port}`);
    const fetch = createMtlsFetch(parse(await readFile(envFile)));
    for (const path of ["/erp/a", "/pim/b"]) assert.equal((await fetch(path)).status, 200);
    assert.deepEqual([erp.seen[0]?.url, pim.seen[0]?.url], ["/a", "/b"]);
    assert.equal(pim.seen[0]?.headers["x-mtls-client"], "partner-x");
    await command.says(
      /^\{"time".*"client":"partner-x","certificate":"[0-9A-F]+","certificateDays":\d+,"destination":"pim"/m,
    );
  });

  it("names the process that holds a taken port", async () => {
    await using directory = await temporaryDirectory();
    const port = await somePort();
    const holder = createServer().listen(port, "127.0.0.1");
    try {
      const { exit, stderr } = await finished(
        mtlsProxy([
          "local",
          "--destination",
          "https://localhost:1",
          "--port",
          String(port),
          "--dir",
          join(directory.path, "d"),
        ]),
      );
      assert.equal(exit, 1);
      assert.match(stderr, new RegExp(` ERR_MTLS_PORT_TAKEN: Port ${port} is held by process ${process.pid} \\(`));
    } finally {
      holder.close();
    }
  });

  it("refuses a directory that another local proxy serves from, and does not disturb it", async () => {
    await using directory = await temporaryDirectory();
    await using backend = await startBackend();
    await using _first = await serve(directory.path, backend);
    const second = mtlsProxy(["local", "--destination", backend.url, "--dir", join(directory.path, "state")]);
    const { exit, stderr } = await finished(second);
    assert.equal(exit, 1);
    assert.match(stderr, / ERR_MTLS_LOCAL_RUNNING: A local proxy \(process \d+\) already uses .*state/);
    const response = await createMtlsFetch(parse(await readFile(join(directory.path, "state/.env"))))("/still");
    assert.equal(response.status, 200);
  });

  it("says so when nginx ends by itself", async () => {
    await using directory = await temporaryDirectory();
    await using backend = await startBackend();
    await using command = await serve(directory.path, backend);
    process.kill(Number(await readFile(join(directory.path, "state/run/nginx.pid"), "utf8")), "SIGTERM");
    assert.equal(await command.ended, 1);
    assert.match(command.stderr, / ERR_MTLS_NGINX_FAILED: nginx ended by itself/);
  });

  it("tells what nginx said when it does not start", async () => {
    await using directory = await temporaryDirectory();
    const { exit, stderr } = await finished(
      mtlsProxy(["local", "--destination", "https://no-such-host.invalid", "--dir", join(directory.path, "d")]),
    );
    assert.equal(exit, 1);
    assert.match(
      stderr,
      / ERR_MTLS_NGINX_FAILED: nginx did not start; it said:\n.*host not found in upstream "no-such-host\.invalid/,
    );
  });

  it("says so when what is called nginx is none", async () => {
    await using directory = await temporaryDirectory();
    await writeFile(join(directory.path, "nginx"), "#!/bin/sh\necho something else >&2\n", { mode: 0o755 });
    const args = ["local", "--destination", "https://a.b", "--dir", join(directory.path, "d")];
    const { exit, stderr } = await finished(mtlsProxy(args, { env: { ...process.env, PATH: directory.path } }));
    assert.equal(exit, 1);
    assert.match(stderr, / ERR_MTLS_NO_NGINX: .*nginx -v does not say which nginx it is; it answered: something else/);
  });

  it("says so when every port that actions can reach is taken", async () => {
    const last = 20_000;
    const holder = createServer().listen(last, "127.0.0.1");
    // Held by something else, it is taken as well.
    await once(holder, "listening").catch(() => undefined);
    try {
      await assert.rejects(freePort(last), { code: "ERR_MTLS_NO_FREE_PORT" });
    } finally {
      holder.close();
    }
  });

  const WRONG_USES: [what: string, args: string[], message: RegExp][] = [
    [
      "no destination",
      ["local"],
      / ERR_MTLS_USAGE: A local proxy needs a backend\. Type: mtls-proxy local --destination/,
    ],
    [
      "a destination without TLS",
      ["local", "--destination", "http://api.myhost.com"],
      / ERR_MTLS_SETTINGS: .*\n {2}destinations\[0\]\.url: must be https/,
    ],
    [
      "a CA file that is not there",
      ["local", "--destination", "https://a.b", "--destination-ca", "none.pem"],
      / ERR_MTLS_SETTINGS_FILE: none\.pem cannot be read \(ENOENT\)/,
    ],
    [
      "a settings file that is not there",
      ["local", "--settings", "none.yaml"],
      / ERR_MTLS_SETTINGS_FILE: none\.yaml cannot be read/,
    ],
    [
      "a port that actions cannot reach",
      ["local", "--destination", "https://a.b", "--port", "8443"],
      / ERR_MTLS_SETTINGS: .*\n {2}port: must be 443 or from 10000 to 20000/,
    ],
    [
      "a port that is no number",
      ["local", "--destination", "https://a.b", "--port", "x"],
      / ERR_MTLS_USAGE: .*must be a whole number/,
    ],
    [
      "a client that is not listed",
      ["local", "--destination", "https://a.b", "--client", "nobody"],
      / ERR_MTLS_NO_SUCH_CLIENT: The settings list no client nobody; they list app-builder/,
    ],
    [
      "an unknown option",
      ["local", "--destinatoin", "x"],
      /^mtls-proxy: error ERR_MTLS_USAGE: unknown option .*\n.*Did you mean --destination\?/,
    ],
    ["an unknown command", ["loacl"], / ERR_MTLS_USAGE: unknown command .*\n.*Did you mean local\?/],
  ];
  for (const [what, args, message] of WRONG_USES) {
    it(`ends with 2 and a sentence for ${what}`, async () => {
      await using directory = await temporaryDirectory();
      const { exit, stdout, stderr } = await finished(mtlsProxy(args, { cwd: directory.path }));
      assert.equal(exit, 2);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /\n\s+at /, "a stack trace");
      assert.equal(stdout, "");
      assert.deepEqual(await readdir(directory.path), [], "something was written");
    });
  }

  for (const [what, content, message] of [
    ["neither YAML nor JSON", "{", / ERR_MTLS_SETTINGS_FILE: .*is neither YAML nor JSON/],
    ["no settings", "- 1\n", / ERR_MTLS_SETTINGS_FILE: .*holds no settings; it should begin with "destinations:"/],
  ] as const) {
    it(`ends with a sentence for a settings file that holds ${what}`, async () => {
      await using directory = await temporaryDirectory();
      await writeFile(join(directory.path, "proxy.yaml"), content);
      const { exit, stderr } = await finished(
        mtlsProxy(["local", "--settings", "proxy.yaml"], { cwd: directory.path }),
      );
      assert.equal(exit, 1);
      assert.match(stderr, message);
    });
  }

  it("answers --help and --version", async () => {
    const help = await finished(mtlsProxy(["local", "--help"]));
    assert.equal(help.exit, 0);
    assert.match(help.stdout, /--destination <url>/);
    assert.match((await finished(mtlsProxy(["--version"]))).stdout, /^\d+\.\d+\.\d+\n$/);
  });

  it("leaves nothing running when it is ended while it starts", async () => {
    await using directory = await temporaryDirectory();
    await using backend = await startBackend();
    const args = [
      "local",
      "--destination",
      backend.url,
      "--dir",
      join(directory.path, "d"),
      "--port",
      String(await somePort()),
    ];
    const command = mtlsProxy(args, { cwd: directory.path });
    await until(() => existsSync(join(directory.path, "d/run/current")), 10_000);
    command.signal("SIGTERM");
    await command.ended;
    const pid = await readFile(join(directory.path, "d/run/nginx.pid"), "utf8").catch(() => "");
    assert.ok(pid === "" || !existsSync(`/proc/${pid.trim()}`), "nginx is gone");
  });
});
