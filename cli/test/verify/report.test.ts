import assert from "node:assert/strict";
import { failed, passed, skipped, warned } from "../../src/verify/findings";
import { asJson, asTable } from "../../src/verify/report";

const check = (name: string) => ({ check: name, what: `the ${name}` });
const report = (checks: Parameters<typeof asTable>[0]["checks"]) => ({
  endpoint: "https://a.b",
  durationMs: 1_234,
  checks,
});

describe("verify's report", () => {
  const checks = [
    passed(check("first"), "as it should be"),
    failed(check("second"), "clock_off", "an hour"),
    warned(check("third"), "soon", "Renew it."),
    skipped(check("fourth"), "no connection"),
    skipped(check("fifth"), "no connection"),
    skipped(check("sixth"), "not wanted"),
  ];

  it("shows what to do below what failed, and one line for checks that were skipped in a row for one reason", () => {
    assert.deepEqual(
      asTable(report(checks), false)
        .replace(/→ Compare.*/, "→ …")
        .split("\n"),
      [
        "https://a.b",
        "",
        "  ok    the first      as it should be",
        "  FAIL  the second     an hour",
        "        → …",
        "  warn  the third      soon",
        "        → Renew it.",
        "  -     2 more checks  no connection",
        "  -     the sixth      not wanted",
        "",
        "6 checks in 1.2 s: 1 passed, 1 failed, 1 warned, 3 skipped",
      ],
    );
  });

  it("counts every check in the JSON, and fails for a failed one alone", () => {
    const { ok, counts, checks: all } = JSON.parse(asJson(report(checks)));
    assert.deepEqual([ok, all.length, counts], [false, 6, { passed: 1, failed: 1, warned: 1, skipped: 3 }]);
    assert.equal(JSON.parse(asJson(report(checks.filter(({ outcome }) => outcome !== "failed")))).ok, true);
  });

  it("colours marks on a terminal alone, and passes no control character of a server on", () => {
    const said = report([passed(check("first"), "\u001b[2Jcleared\u009b\r\n")]);
    assert.ok(!/\p{Cc}/u.test(asTable(said, false).replaceAll("\n", "")));
    const green = "\u001b[32mok  \u001b[0m";
    assert.ok(asTable(said, true).includes(`  ${green}  the first  ?[2Jcleared???\n`));
  });
});
