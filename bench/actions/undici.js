const { Agent, request } = require("undici");

let dispatcher;

exports.main = async (params) => {
  const { __AIO_MTLS_ENDPOINT: url, __AIO_MTLS_CERT: cert, __AIO_MTLS_KEY: key, __AIO_MTLS_CA: ca } = params;
  dispatcher ??= new Agent({ connect: { cert, key, ca } });
  const { body } = await request(`${url}/stock/4711?warehouse=basel`, { dispatcher });
  return { statusCode: 200, body: await body.json() };
};
