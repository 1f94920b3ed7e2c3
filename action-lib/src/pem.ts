interface PemBlock {
  label: string;
  /** With real newlines, 64 columns wide, as OpenSSL wants it. */
  text: string;
}

/**
 * The blocks of a PEM text as it arrives from an environment: with real newlines, with `\n` written out, with newlines that became blanks, in quotes, or as the base64 of any of these.
 *
 * Takes time in proportion to the length, whatever the text: it may come from a stranger who overrides an action's inputs.
 *
 * @returns nothing for a text without a whole block
 */
export function pemBlocks(value: string): PemBlock[] {
  const text = unwrapped(value);
  return [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----((?:(?!-----).)*)-----END \1-----/gs)].map(
    ([, label = "", body = ""]) => ({
      label,
      text: `-----BEGIN ${label}-----\n${lines(body)}\n-----END ${label}-----\n`,
    }),
  );
}

/** RFC 1421's headers say that a key is encrypted; their lines must stay as they are. */
const lines = (body: string): string =>
  body.includes(":") ? body.trim() : (body.replace(/\s+/g, "").match(/.{1,64}/g) ?? []).join("\n");

function unwrapped(value: string): string {
  const text = withRealNewlines(value);
  if (text.includes("-----BEGIN")) return text;
  const base64 = text.replace(/[\s"']/g, "");
  return /^[A-Za-z0-9+/]+=*$/.test(base64) ? withRealNewlines(Buffer.from(base64, "base64").toString("latin1")) : "";
}

const withRealNewlines = (text: string): string => text.replaceAll("\\r", "").replaceAll("\\n", "\n");
