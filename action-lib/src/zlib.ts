type Zlib = typeof import("node:zlib");

const load = (): Zlib => require("node:zlib") as Zlib;

/** What node-fetch takes of Node's zlib, which is loaded with the first compressed answer. build.mjs puts it in its place. */
export default {
  get Z_SYNC_FLUSH() {
    return load().constants.Z_SYNC_FLUSH;
  },
  createGunzip: (...options: Parameters<Zlib["createGunzip"]>) => load().createGunzip(...options),
  createInflate: (...options: Parameters<Zlib["createInflate"]>) => load().createInflate(...options),
  createInflateRaw: (...options: Parameters<Zlib["createInflateRaw"]>) => load().createInflateRaw(...options),
  createBrotliDecompress: (...options: Parameters<Zlib["createBrotliDecompress"]>) =>
    load().createBrotliDecompress(...options),
};
