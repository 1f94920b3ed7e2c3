/** Forward-secret AEAD suites of TLS 1.2 by IANA's code points, under OpenSSL's names. */
const STRONG: Record<number, string> = {
  49195: "ECDHE-ECDSA-AES128-GCM-SHA256",
  49196: "ECDHE-ECDSA-AES256-GCM-SHA384",
  52393: "ECDHE-ECDSA-CHACHA20-POLY1305",
  49199: "ECDHE-RSA-AES128-GCM-SHA256",
  49200: "ECDHE-RSA-AES256-GCM-SHA384",
  52392: "ECDHE-RSA-CHACHA20-POLY1305",
  158: "DHE-RSA-AES128-GCM-SHA256",
  159: "DHE-RSA-AES256-GCM-SHA384",
  52394: "DHE-RSA-CHACHA20-POLY1305",
  49324: "ECDHE-ECDSA-AES128-CCM",
  49325: "ECDHE-ECDSA-AES256-CCM",
  49310: "DHE-RSA-AES128-CCM",
  49311: "DHE-RSA-AES256-CCM",
};

const TLS13: Record<number, string> = {
  4865: "TLS_AES_128_GCM_SHA256",
  4866: "TLS_AES_256_GCM_SHA384",
  4867: "TLS_CHACHA20_POLY1305_SHA256",
};

/** Names of those that are met in practice; the others are told by their code point. */
const WEAK_NAMES: Record<number, string> = {
  1: "NULL-MD5",
  2: "NULL-SHA",
  4: "RC4-MD5",
  5: "RC4-SHA",
  10: "DES-CBC3-SHA",
  22: "DHE-RSA-DES-CBC3-SHA",
  24: "ADH-RC4-MD5",
  47: "AES128-SHA",
  51: "DHE-RSA-AES128-SHA",
  52: "ADH-AES128-SHA",
  53: "AES256-SHA",
  57: "DHE-RSA-AES256-SHA",
  58: "ADH-AES256-SHA",
  59: "NULL-SHA256",
  60: "AES128-SHA256",
  61: "AES256-SHA256",
  103: "DHE-RSA-AES128-SHA256",
  107: "DHE-RSA-AES256-SHA256",
  156: "AES128-GCM-SHA256",
  157: "AES256-GCM-SHA384",
  49161: "ECDHE-ECDSA-AES128-SHA",
  49162: "ECDHE-ECDSA-AES256-SHA",
  49171: "ECDHE-RSA-AES128-SHA",
  49172: "ECDHE-RSA-AES256-SHA",
  49187: "ECDHE-ECDSA-AES128-SHA256",
  49188: "ECDHE-ECDSA-AES256-SHA384",
  49191: "ECDHE-RSA-AES128-SHA256",
  49192: "ECDHE-RSA-AES256-SHA384",
};

/** 0x00ff says that renegotiation is safe, and is no suite. */
const SIGNAL = 0x00ff;

const codesOf = (suites: Record<number, string>): number[] => Object.keys(suites).map(Number);
const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

export const STRONG_CODES = codesOf(STRONG);
export const TLS13_CODES = codesOf(TLS13);

/** Every code point up to TLS 1.2 that is no forward-secret AEAD suite, unassigned ones too: a server passes over what it does not know. */
export const WEAK_CODES = [...range(0x0001, 0x00fe), ...range(0xc001, 0xc0ff)].filter(
  (code) => code !== SIGNAL && !(code in STRONG),
);

export const cipherName = (code: number): string =>
  STRONG[code] ?? TLS13[code] ?? WEAK_NAMES[code] ?? `0x${code.toString(16).toUpperCase().padStart(4, "0")}`;
