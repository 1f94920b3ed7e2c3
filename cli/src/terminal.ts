/** Where a command speaks: results to stdout, so that they can be piped; everything else to stderr. */
export interface Terminal {
  result(text: string): void;
  progress(text: string): void;
}

export const terminal: Terminal = {
  result: (text) => process.stdout.write(`${text}\n`),
  progress: (text) => process.stderr.write(`mtls-proxy: ${text}\n`),
};
