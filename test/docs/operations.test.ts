import assert from "node:assert/strict";
import { join } from "node:path";
import { MACHINE_METRICS, nginxFiles, parseSettings } from "@app-builder-mtls/proxy";
import { type Alarm, alarmsFor } from "../../infra/monitoring/alarms";
import { LOG_METRICS } from "../../infra/monitoring/logMetrics";
import { stackSettings } from "../../infra/settings";
import { fieldsOf } from "../monitoring/filterPattern";
import { finished, mtlsProxy } from "../support/commandLine";
import { codeBlocks } from "./codeBlocks";
import { REPOSITORY, textOf } from "./pages";

const PAGE = "docs/operations.md";
const DESTINATION = { url: "https://api.example.com" };
const settingsOf = (more: object) =>
  stackSettings({ values: { destinations: [DESTINATION], ...more }, encrypted: new Set() });
const ALARMS = alarmsFor(settingsOf({}));
const FLEET = settingsOf({ topology: "fleet", hostname: "mtls.example.com" });
const FLEET_ALARMS = alarmsFor(FLEET);
const SECTIONS = [...new Set([...ALARMS.slice(0, 1), ...FLEET_ALARMS, ...ALARMS].map(({ section }) => section))];

/** Logs Insights' own words, as far as the page uses them. */
const COMMANDS = /\b(filter|stats|sort|limit|by|as|asc|desc|count|max|min|avg|pct|bin|1h)\b/g;

describe("docs/operations.md", function () {
  this.timeout(60_000);
  const page = textOf(PAGE);
  const headings = [...page.matchAll(/^## (.*)$/gm)].map(([, heading = ""]) => heading);

  it("has a section for each alarm, and no section for one that does not exist", () => {
    assert.deepEqual(
      headings.filter((heading) => !heading.endsWith("?")),
      SECTIONS,
    );
  });

  it("says in each what to look at first, and what to do", () => {
    for (const section of SECTIONS) {
      const text = page.split(`\n## ${section}\n`)[1]?.split("\n## ")[0] ?? "";
      assert.match(text, /^- \*\*Look first:\*\*/m, section);
      assert.match(text, /^- \*\*What to do\b/m, section);
    }
  });

  it("describes each field of the access log with its type, and no other", () => {
    const rows = [...page.matchAll(/^\| `(\w+)` \| (text|number) \|/gm)].map(([, name, type]) => [name, type]);
    assert.deepEqual(rows, logFields());
  });

  it("queries fields that the access log has", async () => {
    const queries = (await codeBlocks(join(REPOSITORY, PAGE))).filter(({ language }) => language === "insights");
    assert.equal(queries.length, 6);
    const known = new Set(logFields().map(([name]) => name));
    for (const { text } of queries) {
      const made = [...text.matchAll(/\bas (\w+)/g)].map(([, alias]) => alias);
      const words =
        text
          .replace(/"[^"]*"/g, "")
          .replace(COMMANDS, "")
          .match(/[A-Za-z]\w*/g) ?? [];
      assert.ok(words.length > 0);
      for (const word of words) assert.ok(known.has(word) || made.includes(word), `${word} in:\n${text}`);
    }
  });

  it("counts the metrics and alarms that are paid for", () => {
    const counted = new Set(Object.values(LOG_METRICS).map(({ name }) => name));
    const metrics = counted.size + MACHINE_METRICS.length;
    const metricsIn = (alarms: Alarm[]) =>
      alarms.reduce((sum, { of }) => sum + ("sums" in of ? Object.keys(of.sums).length : 1), 0);
    const alarmMetrics = metricsIn(ALARMS);
    assert.equal(metricsIn(FLEET_ALARMS), alarmMetrics + 1);
    assert.match(page, /a fleet has one more/);
    const cost = (name: RegExp) => Number(name.exec(page)?.[1] ?? assert.fail(`${name}`));
    const items = [
      cost(new RegExp(`^\\| ${metrics} metrics at 0\\.30 \\| ([\\d.]+) \\|`, "m")),
      cost(new RegExp(`^\\| ${alarmMetrics} metrics in alarms at 0\\.10.* \\| ([\\d.]+) \\|`, "m")),
      cost(/^\| a report each minute, .* \| ([\d.]+) \|/m),
      cost(/^\| the machine's own line each minute.* \| ([\d.]+) \|/m),
      cost(/^\| the dashboard; .* \| ([\d.]+) \|/m),
    ];
    const sum = items.reduce((total, item) => total + item, 0);
    assert.deepEqual(items.slice(0, 2), [Number((metrics * 0.3).toFixed(2)), Number((alarmMetrics * 0.1).toFixed(2))]);
    const total = cost(/^\| \*\*a quiet stack\*\* \| \*\*([\d.]+)\*\* \|/m);
    assert.equal(total, Number(sum.toFixed(2)));
    assert.ok(textOf("infra/proxy.ts").includes(`$${total} for a quiet stack`));
  });

  it("says where alarms ring what the program says", () => {
    const {
      monitoring: { errorPercent, refusalsPerFiveMinutes },
    } = settingsOf({});
    assert.ok(page.includes(`\`fleet.min\` (${FLEET.fleet.min})`));
    assert.ok(page.includes(`\`monitoring.errorPercent\` (${errorPercent})`));
    assert.ok(page.includes(`\`monitoring.refusalsPerFiveMinutes\` (${refusalsPerFiveMinutes})`));
  });

  it("shows no command but these, with options that they have", async () => {
    const help: Record<string, string> = {};
    for (const name of ["env", "verify"]) help[name] = (await finished(mtlsProxy([name, "--help"]))).stdout;
    for (const { language, text } of await codeBlocks(join(REPOSITORY, PAGE))) {
      if (language !== "sh") continue;
      for (const command of text.split("\n")) {
        const [, name = "", options = ""] = /^npx --no mtls-proxy (env|verify) (.*)$/.exec(command) ?? [];
        for (const option of options.match(/--[a-z-]+/g) ?? []) assert.ok(help[name]?.includes(option), command);
        if (name) continue;
        assert.match(
          command,
          /^(pulumi (up --stack dev|config set --stack dev --path monitoring\.\w+ \S+|stack output dashboardUrl --stack dev)|aws (ec2 describe-instance-status|autoscaling describe-scaling-activities|ssm start-session|logs tail) .+)$/,
        );
        const [, setting, value = ""] = /--path monitoring\.(\w+) (\S+)$/.exec(command) ?? [];
        if (setting) {
          const monitoring = { [setting]: value === "false" ? false : value };
          settingsOf({ monitoring });
        }
      }
    }
  });
});

describe("the metrics' filters", () => {
  it("read fields that the access log has", () => {
    const known = new Map(logFields());
    for (const { name, pattern, value, ...more } of Object.values(LOG_METRICS)) {
      const dimensions = "dimensions" in more ? Object.values(more.dimensions).join() : "";
      for (const field of fieldsOf(`${pattern} ${value} ${dimensions}`))
        assert.ok(known.has(field), `${name}: ${field}`);
      for (const field of fieldsOf(value)) assert.equal(known.get(field), "number", `${name}: ${field}`);
    }
  });
});

/** The fields of the access log as nginx is told to write them, with what each is. */
function logFields(): [name: string, type: string][] {
  const files = nginxFiles(parseSettings({ destinations: [DESTINATION] }), {
    nginxVersion: "1.28",
    listen: ["0.0.0.0"],
    systemCa: "/etc/ca.pem",
  });
  const format = /log_format main escape=json '\{(.*)\}';/.exec(files["logging.conf"] ?? "")?.[1] ?? "";
  return [...format.matchAll(/"(\w+)":("?)\$/g)].map(([, name = "", quote]) => [name, quote ? "text" : "number"]);
}
