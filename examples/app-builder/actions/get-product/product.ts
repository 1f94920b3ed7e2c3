import type { MtlsFetch } from "app-builder-mtls";
import { BackendError } from "./failure";

/** An action's whole answer may have 1 MB, and base64 adds a third. */
const DATASHEET_LIMIT_BYTES = 600_000;

/** How many pieces there are, by the destination `erp`. */
export async function fetchStock(fetch: MtlsFetch, sku: string): Promise<number> {
  const response = await fetch(`/erp/stock/${sku}`);
  if (!response.ok) throw new BackendError(`erp answered ${response.status}`);
  const { stock } = (await response.json()) as { stock: unknown };
  if (typeof stock !== "number") throw new BackendError("erp answered without a number of pieces");
  return stock;
}

/** The PDF, by the destination `pim`; undefined where a product has none. */
export async function fetchDatasheet(fetch: MtlsFetch, sku: string): Promise<Buffer | undefined> {
  const response = await fetch(`/pim/datasheets/${sku}.pdf`, { size: DATASHEET_LIMIT_BYTES });
  if (response.status === 404) return undefined;
  if (!response.ok) throw new BackendError(`pim answered ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}
