const { createMtlsFetch } = require("app-builder-mtls");

/** Reserves pieces of a product: `POST {"sku":"4711","pieces":2}`. */
exports.main = async (params) => {
  const { sku, pieces } = params;
  if (typeof sku !== "string" || !/^[\w-]{1,40}$/.test(sku))
    return { statusCode: 400, body: { error: "sku must be 1 to 40 letters, digits, _ or -" } };
  if (!Number.isInteger(pieces) || pieces < 1 || pieces > 1000)
    return { statusCode: 400, body: { error: "pieces must be a whole number from 1 to 1000" } };
  try {
    // The address stands in the built code (webpack-config.js): a caller who replaces inputs gets nowhere else.
    const fetch = createMtlsFetch(params, { endpoint: process.env.__AIO_MTLS_ENDPOINT });
    const response = await fetch(`/erp/stock/${sku}/reservations`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ pieces }),
    });
    if (response.status === 409) return { statusCode: 409, body: { error: "there are not so many" } };
    if (!response.ok) throw new Error(`erp answered ${response.status}`);
    return { statusCode: 200, body: { sku, reserved: pieces } };
  } catch (error) {
    console.error(error.code ?? error.name, error.message); // for us; a caller learns only that it failed
    return { statusCode: 502, body: { error: "nothing could be reserved now" } };
  }
};
