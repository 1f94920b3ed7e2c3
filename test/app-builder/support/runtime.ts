import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { json, text } from "node:stream/consumers";
import { temporaryDirectory } from "../../support/directory";
import { type ActionResult, type Container, type Params, startContainer } from "./container";
import { unzip } from "./unzip";
import { type Entity, parametersOf, paramsFrom, Refusal, type WebRequest } from "./webAction";

const NAMESPACE = "my-namespace";
/** Adobe's own action, which a sequence runs before an action with `require-adobe-auth`. */
const VALIDATOR = "/adobeio/shared-validators-v1/headless-v2";
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Adobe's deploy service and Runtime, as far as `aio app deploy` and the caller of a web action see them. What is
 * deployed is stored as it comes, and runs in containers: plain Node processes with the unpacked zip.
 */
export interface EmulatedRuntime extends AsyncDisposable {
  /** In which `aio` deploys here, as somebody who is logged in. */
  environment: NodeJS.ProcessEnv;
  /** What was deployed, by `package/name`. */
  entities: Map<string, Entity>;
  /** A request to `/api/v1/web/NAMESPACE/PACKAGE/NAME`. */
  request(name: string, request: Partial<WebRequest>): Promise<ActionResult>;
  /** Everything that all actions have logged. */
  readonly logs: string;
}

/** @param node the program of the release of Node that containers run on */
export async function startRuntime(node: string): Promise<EmulatedRuntime> {
  const directory = await temporaryDirectory();
  const entities = new Map<string, Entity>();
  const containers = new Map<string, Promise<Container>>();
  const started: Container[] = [];
  const server = createServer(async (request, response) => {
    const answer = await deployService(request, entities);
    response.setHeader("content-type", "application/json").end(JSON.stringify(answer));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  async function containerOf(name: string, { exec }: Entity): Promise<Container> {
    const unpacked = join(directory.path, name);
    await mkdir(unpacked, { recursive: true });
    await writeFile(`${unpacked}.zip`, Buffer.from(exec.code ?? "", "base64"));
    await unzip(`${unpacked}.zip`, unpacked);
    const container = startContainer(node, unpacked);
    started.push(container);
    return container;
  }

  async function invoke(name: string, payload: Params): Promise<ActionResult> {
    const entity = entityOf(entities, name);
    if (entity.exec.components) return sequence(entity.exec.components, payload);
    const container = containers.get(name) ?? containerOf(name, entity);
    containers.set(name, container);
    return (await container).run({ ...parametersOf(entity), ...payload });
  }

  async function sequence(components: string[], payload: Params): Promise<ActionResult> {
    let result: ActionResult = {};
    for (const component of components) {
      if (component === VALIDATOR) requireLogin(payload);
      else result = await invoke(component.replace(`/${NAMESPACE}/`, ""), payload);
    }
    return result;
  }

  return {
    environment: {
      AIO_DEPLOY_SERVICE_URL: `http://localhost:${port}`,
      AIO_RUNTIME_NAMESPACE: NAMESPACE,
      AIO_RUNTIME_AUTH: "user:password",
      AIO_IMS_CONTEXTS_CLI_ACCESS__TOKEN_TOKEN: "token",
      AIO_IMS_CONTEXTS_CLI_ACCESS__TOKEN_EXPIRY: String(Date.now() + DAY_MS),
    },
    entities,
    get logs() {
      return started.map(({ log }) => log).join("\n");
    },
    request: async (name, { method = "GET", query = "", headers = {}, body = "" }) => {
      try {
        return await invoke(name, paramsFrom({ method, query, headers, body }, entityOf(entities, name)));
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        return { statusCode: error.statusCode, body: { error: error.message } };
      }
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await Promise.all(started.map((container) => container[Symbol.asyncDispose]()));
      await directory[Symbol.asyncDispose]();
    },
  };
}

/** The validator lets nobody pass without these headers; whether the token is good is Adobe's to say. */
function requireLogin({ __ow_headers = {} }: Params): void {
  const headers = Object.keys(__ow_headers as object);
  if (!headers.includes("authorization") || !headers.includes("x-gw-ims-org-id"))
    throw new Refusal(401, "cannot authorize request");
}

function entityOf(entities: Map<string, Entity>, name: string): Entity {
  const entity = entities.get(name);
  if (!entity) throw new Refusal(404, "The requested resource does not exist.");
  return entity;
}

/** Stores actions, and knows of nothing that was deployed before. */
async function deployService(request: IncomingMessage, entities: Map<string, Entity>): Promise<unknown> {
  const [, name] = /\/actions\/([^?]+)/.exec(request.url ?? "") ?? [];
  if (request.method === "PUT" && name) {
    const entity = (await json(request)) as Entity;
    entities.set(decodeURIComponent(name), entity);
    return entity;
  }
  await text(request);
  return request.method === "GET" ? [] : {};
}
