import { createMtlsFetch } from "app-builder-mtls";
import { failure, type Result } from "./failure";
import { fetchDatasheet, fetchStock } from "./product";
import { queryOf } from "./query";

/** Answers what is in stock of a product, with its data sheet: `?sku=4711`. */
export async function main(params: Record<string, unknown>): Promise<Result> {
  const sku = queryOf(params).get("sku");
  if (!sku || !/^[\w-]{1,40}$/.test(sku))
    return { statusCode: 400, body: { error: "sku must be 1 to 40 letters, digits, _ or -" } };
  try {
    const fetch = createMtlsFetch(params, { throwProxyErrors: true });
    const [stock, datasheet] = await Promise.all([fetchStock(fetch, sku), fetchDatasheet(fetch, sku)]);
    return { statusCode: 200, body: { sku, stock, datasheet: datasheet?.toString("base64") ?? null } };
  } catch (error) {
    return failure(error);
  }
}
