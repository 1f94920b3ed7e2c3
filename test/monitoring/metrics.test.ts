import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { PROXY_ERROR_STATUSES, probeProfile, STATUS_PATH } from "@app-builder-mtls/proxy";
import { type Issued, issue } from "../../cli/src/certificates";
import { LOG_METRICS, type LogMetric } from "../../infra/monitoring/logMetrics";
import { type Backend, startRawBackend } from "../support/backend";
import { eachRequest } from "../support/byteBackend";
import { DAY_MS, fromNow, issueCa, issueClient, SECOND_MS } from "../support/certificates";
import { destinationOf, startProxy, type TestProxy } from "../support/proxy";
import { get, RawConnection } from "../support/rawClient";
import { until } from "../support/until";
import { type Counted, counted } from "./filterPattern";

/** What a backend answers, by the request's path. */
const ANSWERS: Record<string, string> = {
  "/fine": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
  "/missing": "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
  "/broken": "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
  "/no-status-line": "an answer of HTTP/0.9",
  "/no-answer": "",
};

/** The paths that the backend was asked for. */
const arrived = new Set<string>();

/** Requests of one kind, and what the metrics make of each. */
interface Kind {
  what: string;
  /** The code of the proxy's own answer. Default: none, it is not the proxy's own. */
  code?: string;
  /** As whom. Default: the listed client. */
  as?: (proxy: TestProxy) => Promise<Issued | undefined>;
  send: (proxy: TestProxy, as: Issued | undefined) => Promise<void>;
  counts: string[];
}

const LET_IN = ["ClientCertificateDaysLeft", "RequestSeconds", "Requests"];
const ANSWERED = ["ClientCertificateDaysLeft", "DestinationSeconds", "RequestSeconds", "Requests"];
const FAILED = ["ClientCertificateDaysLeft", "DestinationErrors", "DestinationSeconds", "RequestSeconds", "Requests"];
const UNREACHED = ["ClientCertificateDaysLeft", "DestinationErrors", "RequestSeconds", "Requests"];
const refusedAs = (code: string) => ["Refusals", `Refusals of ${code}`];
const STRANGER = ["Strangers"];

const nobody = async () => undefined;

/** Sends it and waits for an answer, or for the end of the connection. */
const asking = (bytes: string) => async (proxy: TestProxy, as: Issued | undefined) => {
  await using connection = await RawConnection.open(proxy, as);
  connection.send(bytes);
  await until(() => connection.unread !== "" || connection.isClosed, 20 * SECOND_MS);
};

/** Sends it and goes away, once that has arrived at the backend. */
const leaving = (bytes: string, target?: string) => async (proxy: TestProxy, as: Issued | undefined) => {
  await using connection = await RawConnection.open(proxy, as);
  connection.send(bytes);
  await until(() => target === undefined || arrived.has(target), 20 * SECOND_MS);
  await new Promise<void>((resolve) => connection.socket.end(resolve));
};

const refused = (code: string, bytes: string, as?: Kind["as"]): Kind => ({
  what: `refused with ${code}`,
  code,
  ...(as && { as }),
  send: asking(bytes),
  counts: refusedAs(code),
});

const KINDS: Kind[] = [
  { what: "answered", send: asking(get("/fine")), counts: ANSWERED },
  { what: "answered with the destination's own 404", send: asking(get("/missing")), counts: ANSWERED },
  { what: "answered with the destination's own 503", send: asking(get("/broken")), counts: FAILED },
  { what: "answered without a status line", send: asking(get("/no-status-line")), counts: FAILED },
  { what: "answered by the status", send: asking(get(STATUS_PATH)), counts: LET_IN },
  {
    what: "not answered in time",
    code: "destination_timeout",
    send: asking(get("/silent")),
    counts: FAILED,
  },
  { what: "broken off", code: "destination_failed", send: asking(get("/no-answer")), counts: FAILED },
  {
    what: "not sent to a destination that is down",
    code: "destination_unreachable",
    send: asking(get("/down/x")),
    counts: UNREACHED,
  },
  { what: "given up by the caller", send: leaving(get("/slow"), "/slow"), counts: ANSWERED },
  { what: "begun and left by the caller", send: leaving("GET /fine HTTP/1.1\r\nHo"), counts: LET_IN },
  { what: "the machine's own", as: probe, send: asking(get(STATUS_PATH)), counts: [] },
  {
    what: "the machine's own, to a destination",
    as: probe,
    code: "no_such_destination",
    send: asking(get("/fine")),
    counts: [],
  },

  refused("no_such_destination", get("/.mtls-proxy/nothing")),
  refused("bad_request", get("/%zz")),
  refused("upgrade_not_supported", get("/fine", "Connection: upgrade", "Upgrade: websocket")),
  refused("method_not_allowed", "TRACE /fine HTTP/1.1\r\nHost: x\r\n\r\n"),
  refused("body_too_large", `POST /fine HTTP/1.1\r\nHost: x\r\nContent-Length: ${2 ** 30}\r\n\r\n`),
  refused("uri_too_large", get(`/${"x".repeat(40_000)}`)),
  refused("headers_too_large", get("/fine", `X-Large: ${"x".repeat(40_000)}`)),
  refused("client_certificate_expired", get("/fine"), ({ ca }) =>
    issueClient(ca, { notBefore: fromNow(-3 * DAY_MS), notAfter: fromNow(-SECOND_MS) }),
  ),
  refused("client_certificate_rejected", get("/fine"), async () => issueClient(await issueCa())),
  refused("client_not_listed", get("/fine"), ({ ca }) => issueClient(ca, { name: "partner-x" })),

  {
    what: "a stranger's",
    code: "client_certificate_required",
    as: nobody,
    send: asking(get("/fine")),
    counts: STRANGER,
  },
  {
    what: "a stranger's, malformed",
    code: "client_certificate_required",
    as: nobody,
    send: asking("\u0000\r\n\r\n"),
    counts: STRANGER,
  },
  { what: "a stranger's, half of one", as: nobody, send: leaving("GET /fine HTTP/1.1\r\nHo"), counts: STRANGER },
  { what: "plain http", code: "tls_required", send: plainHttp, counts: STRANGER },
];

describe("what the metrics make of the access log", function () {
  this.timeout(60 * SECOND_MS);
  let backend: Backend;
  let proxy: TestProxy;
  const seen = new Set<string>();

  before(async () => {
    backend = await startRawBackend((socket) =>
      eachRequest(socket, ({ target }) => {
        arrived.add(target);
        const answer = ANSWERS[target];
        if (answer) socket.write(answer);
        if (answer !== undefined && !answer.includes("Content-Length")) socket.end();
      }),
    );
    proxy = await startProxy({
      destinations: [
        destinationOf(backend, { path: "/", readTimeoutSeconds: 2 }),
        { name: "down", path: "/down/", url: "https://127.0.0.1:1", serverName: "down.example.com" },
      ],
    });
  });
  after(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await backend?.[Symbol.asyncDispose]();
  });

  for (const { what, code = "", as = async () => proxy.client, send, counts } of KINDS) {
    it(`of a request that is ${what}`, async () => {
      const line = await lineOf(proxy, () => as(proxy).then((certificate) => send(proxy, certificate)));
      const { error, seconds } = JSON.parse(line);
      assert.equal(error, code, line);
      const made = countsOf(line);
      assert.deepEqual(made.map(named).sort(), counts, line);
      for (const { metric, value } of made) assertPlausible(metric, value, seconds);
      seen.add(code);
    });
  }

  it("of one that is refused by a limit", async () => {
    await using hasty = await startProxy({
      destinations: [destinationOf(backend)],
      limits: { requestsPerSecondPerClient: 1 },
    });
    await until(async () => {
      await asking(get("/fine"))(hasty, hasty.client);
      return (await hasty.accessLog()).includes('"rate_limited"');
    }, 20 * SECOND_MS);
    const line = (await linesOf(hasty)).find((one) => one.includes('"rate_limited"')) ?? "";
    assert.deepEqual(countsOf(line).map(named), refusedAs("rate_limited"), line);
    seen.add("rate_limited");
  });

  it("of one from an address that is not listed", async () => {
    await using choosy = await startProxy({
      destinations: [destinationOf(backend)],
      ingress: { addresses: ["198.51.100.0/24"] },
    });
    const line = await lineOf(choosy, async () => {
      const socket = connect({ host: "127.0.0.1", port: choosy.port, localAddress: "127.0.0.9" });
      await using connection = await RawConnection.open(choosy, choosy.client, { socket });
      await connection.ask(get("/fine"));
    });
    assert.deepEqual(countsOf(line).map(named), refusedAs("address_not_listed"), line);
    seen.add("address_not_listed");
  });

  it("of one that the proxy itself fails at, having no descriptor left", async () => {
    await using poor = await startProxy({ destinations: [destinationOf(backend)] });
    await using connection = await RawConnection.open(poor, poor.client);
    const line = await lineOf(poor, async () => {
      await takeDescriptors(poor);
      await connection.ask(get("/fine"));
    });
    assert.deepEqual(countsOf(line).map(named).sort(), [...LET_IN, "ProxyErrors"].sort(), line);
    seen.add("internal_error");
  });

  it("of a line that is as long as docs/operations.md reckons with", async () => {
    const line = (await linesOf(proxy)).find((one) => one.includes('"answered"')) ?? "";
    const page = await readFile(join(__dirname, "../../docs/operations.md"), "utf8");
    const said = Number(/for each request, of about (\d+) bytes/.exec(page)?.[1]);
    assert.ok(Math.abs(line.length - said) < 50, `${line.length}, not ${said}`);
  });

  it("has been asked with every code that the proxy answers", () => {
    assert.deepEqual([...seen].filter(Boolean).sort(), Object.keys(PROXY_ERROR_STATUSES).sort());
  });
});

const countsOf = (line: string): Counted[] =>
  Object.values<LogMetric>(LOG_METRICS).flatMap((metric) => counted(metric, line) ?? []);

const named = ({ metric, dimensions: { code } }: Counted): string =>
  code === undefined ? metric : `${metric} of ${code}`;

function assertPlausible(metric: string, value: number, seconds: number): void {
  if (metric === "RequestSeconds") assert.equal(value, seconds);
  else if (metric === "DestinationSeconds") assert.ok(value >= 0 && value <= seconds + 0.1, `${value} of ${seconds} s`);
  else if (metric === "ClientCertificateDaysLeft") assert.ok(value === 364 || value === 365, `${value} days`);
  else assert.equal(value, 1, metric);
}

const linesOf = async (proxy: TestProxy): Promise<string[]> =>
  (await proxy.accessLog()).trim().split("\n").filter(Boolean);

/** The one line that the log gains. nginx writes a line after its answer, so a new proxy's first may be on its way. */
async function lineOf(proxy: TestProxy, act: () => Promise<void>): Promise<string> {
  let before = 0;
  await until(async () => {
    before = (await linesOf(proxy)).length;
    return before > 0;
  }, 20 * SECOND_MS);
  await act();
  let gained: string[] = [];
  await until(async () => {
    gained = (await linesOf(proxy)).slice(before);
    return gained.length > 0;
  }, 20 * SECOND_MS);
  const [line = "", ...more] = gained;
  assert.deepEqual(more, []);
  return line;
}

function probe({ ca, settings }: TestProxy): Promise<Issued> {
  return issue(probeProfile(settings), { issuer: ca });
}

async function plainHttp({ port }: TestProxy): Promise<void> {
  const socket = connect({ host: "127.0.0.1", port });
  socket.end(get("/fine"));
  socket.resume();
  await once(socket, "close");
}

const run = promisify(execFile);

/** Lets nginx' workers keep the files and connections that they have, and open no more. */
async function takeDescriptors({ local }: TestProxy): Promise<void> {
  const directory = join(dirname(local.logFile), "..");
  const master = (await readFile(join(directory, "nginx.pid"), "utf8")).trim();
  const workers = (await readFile(`/proc/${master}/task/${master}/children`, "utf8")).trim().split(" ");
  for (const worker of workers) {
    const most = Math.min(...(await openedBy(worker)));
    await run("prlimit", ["--pid", worker, `--nofile=${most}:${most}`]);
  }
}

const openedBy = async (process: string): Promise<number[]> => (await readdir(`/proc/${process}/fd`)).map(Number);
