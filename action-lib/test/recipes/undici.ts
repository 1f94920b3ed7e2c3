import { createMtlsAgent } from "app-builder-mtls";
import { Agent, request } from "undici";

const dispatchers = new WeakMap<object, Agent>(); // made once per credentials, as the agent is

export async function main(params: { __AIO_MTLS_ENDPOINT: string }) {
  const agent = createMtlsAgent(params);
  const dispatcher = dispatchers.get(agent) ?? new Agent({ connect: { ...agent.options, timeout: 10_000 } });
  dispatchers.set(agent, dispatcher);
  const { statusCode, body } = await request(`${params.__AIO_MTLS_ENDPOINT}/path`, { dispatcher });
  return { statusCode, body: await body.json() };
}
