import { block, textOf } from "./text";

/**
 * Answers that nginx passes without saying where they end, on a connection that it keeps: those without a status line
 * (as HTTP/0.9, `$status` 009) and those with a status below 200. A destination could write whole answers into them,
 * and the caller would take the second for another destination's (measured on 1.22.1, 1.26.3 and 1.30.6: it did).
 * nginx has no setting that refuses them, but no answer begins without a slash.
 */
export const answers = (): string =>
  textOf([
    "# A destination that answers without a frame could answer for another destination on the caller's kept connection.",
    "# Nobody reads a status line without its slash, so the slash is taken out of such bytes; other answers stay as they are.",
    block("map $status $unframed_slash", 'default "";', '"~^[01]" "/";'),
  ]);

/** Inside a destination's location. Without a string to look for, the filter leaves headers and body alone. */
export const UNFRAMED_ANSWERS = [
  "# An answer without a frame loses its slashes: see answers.conf.",
  'sub_filter $unframed_slash "";',
  "sub_filter_once off;",
  "sub_filter_types *;",
];
