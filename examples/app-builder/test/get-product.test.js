jest.mock("app-builder-mtls", () => ({ ...jest.requireActual("app-builder-mtls"), createMtlsFetch: jest.fn() }));

const { createMtlsFetch } = require("app-builder-mtls");
const { main } = require("../actions/get-product");

let error;

/** Lets the proxy answer by path; without an answer it cannot be reached. */
function proxyAnswers(answers) {
  const fetch = jest.fn(async (path) => answers[path] ?? Promise.reject(new Error("unreachable")));
  createMtlsFetch.mockReturnValue(fetch);
  return fetch;
}

beforeEach(() => {
  error = jest.spyOn(console, "error").mockImplementation(() => undefined);
});

it("answers with what both backends say", async () => {
  proxyAnswers({
    "/erp/stock/4711": new Response('{"stock":42}'),
    "/pim/datasheets/4711.pdf": new Response("%PDF"),
  });
  expect(await main({ __ow_query: "sku=4711" })).toEqual({
    statusCode: 200,
    body: { sku: "4711", stock: 42, datasheet: Buffer.from("%PDF").toString("base64") },
  });
});

it("does without a data sheet where there is none", async () => {
  proxyAnswers({
    "/erp/stock/1": new Response('{"stock":0}'),
    "/pim/datasheets/1.pdf": new Response("", { status: 404 }),
  });
  expect((await main({ __ow_query: "sku=1" })).body).toEqual({ sku: "1", stock: 0, datasheet: null });
});

it.each(["", "sku=", "sku=../admin", "sku=a/b", `sku=${"1".repeat(41)}`])(
  "refuses %p without asking anybody",
  async (query) => {
    const fetch = proxyAnswers({});
    expect((await main({ __ow_query: query })).statusCode).toBe(400);
    expect(fetch).not.toHaveBeenCalled();
  },
);

it.each([
  ["an error", new Response("", { status: 500 })],
  ["no number", new Response("{}")],
  ["no JSON", new Response("<html>")],
])("tells the caller only that it failed when a backend answers %s", async (_, answer) => {
  proxyAnswers({ "/erp/stock/1": answer, "/pim/datasheets/1.pdf": new Response("%PDF") });
  expect(await main({ __ow_query: "sku=1" })).toEqual({
    statusCode: 502,
    body: { error: "the product cannot be read now" },
  });
  expect(error).toHaveBeenCalledTimes(1);
});
