const { createFetch } = require("@adobe/aio-lib-core-networking");
const { createMtlsAgent } = require("app-builder-mtls");

exports.main = async (params) => {
  const response = await createFetch()(`${params.__AIO_MTLS_ENDPOINT}/path`, { agent: createMtlsAgent(params) });
  return { statusCode: response.status, body: await response.json() };
};
