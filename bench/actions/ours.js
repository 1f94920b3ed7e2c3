const { createMtlsFetch } = require("app-builder-mtls");

exports.main = async (params) => {
  const fetch = createMtlsFetch(params);
  const response = await fetch("/stock/4711?warehouse=basel");
  return { statusCode: 200, body: await response.json() };
};
