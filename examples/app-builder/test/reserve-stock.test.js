jest.mock("app-builder-mtls", () => ({ ...jest.requireActual("app-builder-mtls"), createMtlsFetch: jest.fn() }));

const { createMtlsFetch } = require("app-builder-mtls");
const { main } = require("../actions/reserve-stock");

const order = { sku: "4711", pieces: 2 };

function backendAnswers(status) {
  const fetch = jest.fn(async () => new Response("", { status }));
  createMtlsFetch.mockReturnValue(fetch);
  return fetch;
}

it("reserves", async () => {
  const fetch = backendAnswers(201);
  expect(await main(order)).toEqual({ statusCode: 200, body: { sku: "4711", reserved: 2 } });
  expect(fetch).toHaveBeenCalledWith(
    "/erp/stock/4711/reservations",
    expect.objectContaining({ method: "POST", body: '{"pieces":2}' }),
  );
});

it("says so when there are not so many", async () => {
  backendAnswers(409);
  expect((await main(order)).statusCode).toBe(409);
});

it.each([{ sku: "../x" }, { sku: 4711 }, { pieces: 0 }, { pieces: "2" }, { pieces: 1.5 }, { pieces: 1001 }])(
  "refuses %p without asking anybody",
  async (wrong) => {
    const fetch = backendAnswers(201);
    expect((await main({ ...order, ...wrong })).statusCode).toBe(400);
    expect(fetch).not.toHaveBeenCalled();
  },
);

it("tells the caller only that it failed", async () => {
  const error = jest.spyOn(console, "error").mockImplementation(() => undefined);
  backendAnswers(500);
  expect(await main(order)).toEqual({ statusCode: 502, body: { error: "nothing could be reserved now" } });
  expect(error).toHaveBeenCalledTimes(1);
});
