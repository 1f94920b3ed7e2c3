import assert from "node:assert/strict";
import { nginxFiles, parseSettings } from "../index";

describe("idle connections to destinations", () => {
  for (const count of [1, 15, 50]) {
    it(`leave half of a worker's connections to others, with ${count} destinations`, () => {
      const destinations = Array.from({ length: count }, (_, index) => ({
        name: `d${index}`,
        path: `/d${index}/`,
        url: "https://api.example.com",
      }));
      const target = { nginxVersion: "1.28", listen: ["0.0.0.0"], systemCa: "/ca.pem", resolver: ["192.0.2.53"] };
      const text = Object.values(nginxFiles(parseSettings({ destinations }), target)).join("\n");
      const numbersOf = (directive: string) =>
        [...text.matchAll(new RegExp(`^ *${directive} (\\d+);$`, "gm"))].map(([, number]) => Number(number));
      const [most = Number.NaN] = numbersOf("worker_connections");
      const kept = numbersOf("keepalive");
      assert.equal(kept.length, count);
      assert.ok(kept.reduce((sum, each) => sum + each) <= most / 2);
      // enough to be worth a factor of nine, and 200 calls at once where there is one destination
      for (const each of kept) assert.ok(each >= (count === 1 ? 200 : 64), `${each}`);
    });
  }
});
