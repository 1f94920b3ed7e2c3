import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import type { Bundle } from "@app-builder-mtls/proxy";
import { createMtlsFetch } from "app-builder-mtls";
import { freePort } from "../../cli/src/local/ports";
import { startBackend } from "../support/backend";
import { issueCa, issueServer } from "../support/certificates";
import { startDns } from "../support/dns";
import { publishedBundle } from "./publishedBundle";
import { type ServedBundle, serveBundle } from "./servedBundle";
import { type Changes, Stack } from "./stack";

const HOST = "pim.example.com";
/** Seconds to connect to the backend, which shares a busy machine with the load: no test of its own speed. */
const PATIENCE = 60;

/** What an application was given when it was deployed after a step. */
export interface Deployment {
  endpoint: string;
  clientCert: string;
  clientKey: string;
  caCert: string;
}

/** A stack whose published bundles a real nginx serves, one after the other, to applications that were deployed at different times. */
export interface Scene extends AsyncDisposable {
  /** Brings the stack up with these settings beside its destination; what that did. */
  up(settings: Record<string, unknown>, environment?: NodeJS.ProcessEnv): Promise<Changes>;
  /** What the stack has published. */
  bundle(): Promise<Bundle>;
  /** Has nginx serve that from now on. */
  serve(bundle: Bundle): Promise<void>;
  /** The credentials, as an application is given them now. */
  deploy(): Promise<Deployment>;
}

/** The path of an answer that never ends. */
export const DOWNLOAD = "/download";

/** An answer at once, or a bit of one every now and then. */
async function respond({ url }: IncomingMessage, response: ServerResponse): Promise<void> {
  if (url !== DOWNLOAD) return void response.end("{}");
  while (!response.destroyed) {
    response.write("more\n");
    await pause(500);
  }
}

export async function setScene(): Promise<Scene> {
  const destinationCa = await issueCa();
  const certificate = await issueServer(destinationCa, { names: [HOST] });
  const backend = await startBackend({ certificate, respond });
  const dns = await startDns({ [HOST]: "127.0.0.1" });
  const stack = await Stack.create();
  const port = await freePort(10_000 + Math.floor(Math.random() * 9_000));
  const destination = { name: "pim", url: `https://${HOST}:${backend.port}`, ca: destinationCa.cert };
  let served: ServedBundle | undefined;
  return {
    up: async (settings, environment) => {
      await stack.configure({ destinations: [{ ...destination, connectTimeoutSeconds: PATIENCE }], port, ...settings });
      const { succeeded, text, changes } = await stack.up(environment);
      assert.ok(succeeded, text);
      return changes;
    },
    bundle: () => publishedBundle(stack),
    serve: async (bundle) => {
      if (served) return served.change(bundle);
      const [address = ""] = (await stack.outputs()).egressIps;
      served = await serveBundle(bundle, { address, port, resolver: dns.address, systemCa: destinationCa.cert });
    },
    deploy: () => stack.outputs(),
    [Symbol.asyncDispose]: async () => {
      for (const part of [served, stack, dns, backend]) await part?.[Symbol.asyncDispose]();
    },
  };
}

/** What the library makes of a call: the answer's status, or the error's code. */
export async function callAs(deployment: Deployment): Promise<number | string> {
  const fetch = createMtlsFetch({
    __AIO_MTLS_ENDPOINT: deployment.endpoint,
    __AIO_MTLS_CERT: deployment.clientCert,
    __AIO_MTLS_KEY: deployment.clientKey,
    __AIO_MTLS_CA: deployment.caCert,
  });
  return fetch("/products").then(
    ({ status }) => status,
    ({ code }) => String(code),
  );
}

export function placeOf({ endpoint }: Deployment): { host: string; port: number } {
  const { hostname, port } = new URL(endpoint);
  return { host: hostname, port: Number(port) };
}

export const identityOf = ({ clientCert, clientKey }: Deployment) => ({ cert: clientCert, key: clientKey });
