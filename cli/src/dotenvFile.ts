/** A variable's whole entry: its name, and its value in quotes over several lines or bare to the end of the line (the grammar of dotenv 16). */
const ENTRY =
  /^[^\S\r\n]*(?:export[^\S\r\n]+)?([\w.-]+)(?:[^\S\r\n]*=|:[^\S\r\n]+)[^\S\r\n]*('(?:\\'|[^'])*'|"(?:\\"|[^"])*"|`(?:\\`|[^`])*`|[^\r\n]*)[^\r\n]*(\r\n|\n|\r|$)/gm;

/** What a PEM that was pasted without quotes leaves behind its first line. */
const REST_OF_BARE_PEM = /^(?:[A-Za-z0-9+/=]{1,76}(?:\r\n|\n|\r))*-----END [A-Z ]+-----[^\r\n]*(\r\n|\n|\r|$)/;

/**
 * Puts variables into the text of a `.env` file. Comments, order, line ends and every other variable stay as they are;
 * a variable that is there is replaced where it stands, a new one is added at the end.
 */
export function mergeDotenv(text: string, values: Record<string, string>): string {
  const lineEnd = /\r\n|\n|\r/.exec(text)?.[0] ?? "\n";
  const written = new Set<string>();
  let merged = "";
  let position = 0;
  for (const entry of text.matchAll(ENTRY)) {
    const [whole, name = "", value = "", ownEnd = ""] = entry;
    if (entry.index < position) continue; // inside what is left of a bare PEM
    const replacement = values[name];
    if (replacement === undefined) continue;
    merged += text.slice(position, entry.index);
    position = entry.index + whole.length;
    if (value.startsWith("-----BEGIN ")) position += REST_OF_BARE_PEM.exec(text.slice(position))?.[0].length ?? 0;
    if (!written.has(name)) merged += `${name}=${quoted(replacement)}${ownEnd || lineEnd}`;
    written.add(name);
  }
  merged += text.slice(position);
  const added = Object.entries(values).filter(([name]) => !written.has(name));
  if (added.length > 0 && merged !== "" && !/[\r\n]$/.test(merged)) merged += lineEnd;
  return merged + added.map(([name, value]) => `${name}=${quoted(value)}${lineEnd}`).join("");
}

/** One line: a value over several lines is destroyed by `aio app use --merge`. dotenv reads `\n` in double quotes as a new line. */
function quoted(value: string): string {
  return /^[\w.:/-]*$/.test(value) ? value : `"${value.replaceAll("\n", "\\n")}"`;
}
