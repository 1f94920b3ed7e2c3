import type { Params } from "./container";

/** An action or a sequence as Adobe's command line sends it to Runtime. */
export interface Entity {
  exec: { kind: string; code?: string; components?: string[] };
  parameters?: KeyValue[];
  annotations?: KeyValue[];
}

interface KeyValue {
  key: string;
  value: unknown;
}

export interface WebRequest {
  method: string;
  /** Behind the question mark. */
  query: string;
  headers: Record<string, string>;
  body: string;
}

/** The answer of Runtime itself, in place of the action's. */
export class Refusal extends Error {
  constructor(
    readonly statusCode: number,
    message: string,
  ) {
    super(message);
  }
}

export const parametersOf = ({ parameters = [] }: Entity): Params =>
  Object.fromEntries(parameters.map(({ key, value }) => [key, value]));

/**
 * What a web action gets from a request, by the rules of Apache OpenWhisk (WebActions.scala), on which Runtime stands:
 * raw, the query and the body as texts; else their fields, as params of their own, the body's before the query's.
 * @throws Refusal when a field takes the place of a reserved name, or of a parameter of a `final` action
 */
export function paramsFrom(request: WebRequest, entity: Entity): Params {
  if (annotation(entity, "web-export") !== true) throw new Refusal(404, "The requested resource does not exist.");
  const context = { __ow_method: request.method.toLowerCase(), __ow_headers: request.headers, __ow_path: "" };
  const isJson = request.headers["content-type"] === "application/json";
  if (annotation(entity, "raw-http") === true) {
    const body = isJson ? Buffer.from(request.body).toString("base64") : request.body;
    return { ...context, __ow_query: request.query, __ow_body: body };
  }
  const fields: Params = {
    ...Object.fromEntries(new URLSearchParams(request.query)),
    ...(isJson && request.body ? JSON.parse(request.body) : {}),
  };
  const immutable = annotation(entity, "final") === true ? Object.keys(parametersOf(entity)) : [];
  if (Object.keys(fields).some((name) => name.startsWith("__ow_") || immutable.includes(name)))
    throw new Refusal(400, "Request defines parameters that are not allowed (e.g., reserved properties).");
  return { ...fields, ...context };
}

const annotation = ({ annotations = [] }: Entity, name: string): unknown =>
  annotations.find(({ key }) => key === name)?.value;
