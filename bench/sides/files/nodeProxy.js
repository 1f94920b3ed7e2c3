// What somebody writes by hand: mutual TLS in, TLS out, connections kept, the destination verified, requests logged.
const { readFileSync, createWriteStream } = require("node:fs");
const https = require("node:https");

const [port, backendPort] = process.argv.slice(2);
const log = createWriteStream("access.log");
const agent = new https.Agent({ keepAlive: true, ca: readFileSync("backend-ca.crt") });
const server = https.createServer(
  {
    cert: readFileSync("server.crt"),
    key: readFileSync("server.key"),
    ca: readFileSync("client-ca.crt"),
    requestCert: true,
    rejectUnauthorized: true,
    keepAliveTimeout: 75_000,
  },
  (request, response) => {
    const { method, url: path } = request;
    const headers = { ...request.headers, host: `localhost:${backendPort}`, connection: "keep-alive" };
    const forwarded = https.request(
      { host: "localhost", port: backendPort, agent, method, path, headers },
      (answer) => {
        const { connection, "keep-alive": _, ...passed } = answer.headers;
        response.writeHead(answer.statusCode, passed);
        answer.pipe(response);
        log.write(`${request.socket.remoteAddress} "${method} ${path}" ${answer.statusCode}\n`);
      },
    );
    forwarded.on("error", () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
    request.pipe(forwarded);
  },
);
server.listen(Number(port), "127.0.0.1");
