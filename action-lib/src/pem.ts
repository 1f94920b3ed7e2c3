interface PemBlock {
  label: string;
  /** With real newlines, 64 columns wide, as OpenSSL wants it. */
  text: string;
}

/**
 * The blocks of a PEM text as it arrives from an environment: with real newlines, with `\n` written out, with newlines that became blanks, in quotes, or as the base64 of any of these.
 *
 * @returns nothing for a text without a whole block
 */
export function pemBlocks(value: string): PemBlock[] {
  const text = unwrapped(value);
  return [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----/gs)].map(([, label = "", body = ""]) => ({
    label,
    text: `-----BEGIN ${label}-----\n${lines(body)}\n-----END ${label}-----\n`,
  }));
}

/** RFC 1421's headers say that a key is encrypted; their lines must stay as they are. */
const lines = (body: string): string =>
  body.includes(":") ? body.trim() : (body.replace(/\s+/g, "").match(/.{1,64}/g) ?? []).join("\n");

function unwrapped(value: string): string {
  const text = value.replaceAll("\\r", "").replaceAll("\\n", "\n");
  if (text.includes("-----BEGIN") || !/^[\s"']*[A-Za-z0-9+/\s]+=*[\s"']*$/.test(text)) return text;
  return Buffer.from(text, "base64").toString("latin1").replaceAll("\\r", "").replaceAll("\\n", "\n");
}
