/** What stands behind the question mark. Runtime gives a raw action the text, `aio app dev` an object. */
export function queryOf({ __ow_query = "" }: Record<string, unknown>): URLSearchParams {
  if (typeof __ow_query === "string") return new URLSearchParams(__ow_query);
  const fields = Object.entries(__ow_query ?? {}).map(([name, value]) => [name, String(value)]);
  return new URLSearchParams(Object.fromEntries(fields));
}
