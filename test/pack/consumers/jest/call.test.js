const { readFileSync } = require("node:fs");
const { createMtlsFetch } = require("app-builder-mtls");

const params = JSON.parse(readFileSync(process.env.PARAMS_FILE, "utf8"));

test("an action under test makes its call", async () => {
  const response = await createMtlsFetch(params)(new URL("/path/to/resource?param=value", params.__AIO_MTLS_ENDPOINT));
  const body = await response.json();
  expect(body.client).toBe("app-builder");
  process.stdout.write(`${JSON.stringify(body)}\n`);
});

test("an action under test sends bytes, which are of another realm in jest", async () => {
  const body = new TextEncoder().encode("bytes");
  const response = await createMtlsFetch(params)("/", { method: "PUT", body });
  expect((await response.json()).body).toBe("bytes");
});

test("an error is told apart by its code, though Node's errors are of another realm in jest", async () => {
  const fetch = createMtlsFetch({ ...params, __AIO_MTLS_ENDPOINT: "https://127.0.0.1:1" });
  await expect(fetch("/")).rejects.toMatchObject({ code: "ERR_MTLS_UNREACHABLE", name: "ConnectionError" });
});
