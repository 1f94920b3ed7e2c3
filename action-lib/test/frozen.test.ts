import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { startServer } from "./support/server";
import { until } from "./support/wait";

describe("a container that Runtime freezes past every timeout", () => {
  it("makes its next call once it is thawed, be it GET or POST", async () => {
    assert.deepEqual(await Promise.all(["GET", "POST"].map(callAfterThaw)), ["200 answer", "200 answer"]);
  });
});

async function callAfterThaw(method: string): Promise<string> {
  await using server = await startServer({ answer: (_, response) => response.end("answer") });
  let connections = 0;
  server.server.keepAliveTimeout = 2_000;
  server.server.on("secureConnection", (socket) => {
    connections++;
    socket.on("close", () => connections--);
  });
  await using container = startContainer(server.params);

  assert.equal(await container.call("GET"), "200 answer");
  assert.equal(connections, 1);
  container.process.kill("SIGSTOP");
  await until(() => connections === 0);
  container.process.kill("SIGCONT");
  return container.call(method);
}

interface Container extends AsyncDisposable {
  process: ChildProcessWithoutNullStreams;
  call(method: string): Promise<string>;
}

function startContainer(params: object): Container {
  const child = spawn(process.execPath, ["--import", "tsx", require.resolve("./support/call-on-command")]);
  child.stderr.pipe(process.stderr);
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
  child.stdin.write(`${JSON.stringify(params)}\n`);
  return {
    process: child,
    async call(method) {
      child.stdin.write(`${method}\n`);
      return String((await answers.next()).value);
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      child.kill("SIGCONT");
      if (child.exitCode === null) await once(child, "exit");
    },
  };
}
