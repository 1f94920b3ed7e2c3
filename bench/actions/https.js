const https = require("node:https");

let agent;

exports.main = (params) => {
  agent ??= new https.Agent({
    cert: params.__AIO_MTLS_CERT,
    key: params.__AIO_MTLS_KEY,
    ca: params.__AIO_MTLS_CA,
    keepAlive: true,
  });
  return new Promise((resolve, reject) => {
    const url = `${params.__AIO_MTLS_ENDPOINT}/stock/4711?warehouse=basel`;
    const request = https.request(url, { agent }, (response) => {
      let text = "";
      response.on("data", (chunk) => {
        text += chunk;
      });
      response.on("end", () => resolve({ statusCode: 200, body: JSON.parse(text) }));
    });
    request.on("error", reject).end();
  });
};
