import { createMtlsFetch, MtlsError } from "app-builder-mtls";

interface ActionResult {
  statusCode: number;
  body: unknown;
}

/** Answers how many pieces of a product are in stock: `?sku=4711`. */
export async function main(params: Record<string, unknown>): Promise<ActionResult> {
  const sku = new URLSearchParams(String(params.__ow_query ?? "")).get("sku");
  if (!sku || !/^[\w-]{1,40}$/.test(sku))
    return { statusCode: 400, body: { error: "sku must be 1 to 40 letters or digits" } };
  try {
    const fetch = createMtlsFetch(params);
    const response = await fetch(`/stock/${sku}`);
    if (!response.ok) return { statusCode: 502, body: { error: "the backend did not answer as expected" } };
    return { statusCode: 200, body: await response.json() };
  } catch (error) {
    if (!(error instanceof MtlsError)) throw error;
    console.error(error.code, error.message); // for us; a caller learns only that it failed
    return { statusCode: 502, body: { error: "the backend cannot be reached" } };
  }
}
