import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { finished, mtlsProxy, run } from "../support/commandLine";
import { query, values } from "./emulatedAws";
import { publishedBundle } from "./publishedBundle";
import { type Changes, REPOSITORY, Stack } from "./stack";

const listOf = (regions: Record<string, string[]>) => ({ regions, version: 3, lastUpdated: "2026-04-19T08:00:00Z" });
const FIRST = listOf({ amer: ["198.51.100.1/32"], emea: ["192.0.2.1/32", "192.0.2.4/32", "192.0.2.8/29"] });
const SECOND = listOf({ amer: [], emea: ["192.0.2.1/32", "192.0.2.8/29", "192.0.2.64/26"] });
/** No two of them neighbours, so that each is a rule. */
const LONG = listOf({ emea: Array.from({ length: 31 }, (_, index) => `192.0.2.${index * 2}/32`) });

const RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule mtls-proxy-callers";
const BUNDLE = { "aws:secretsmanager/secretVersion:SecretVersion mtls-proxy-bundle": "replace" };

describe("mtls-proxy ip-list", function () {
  this.timeout(240_000);
  let stack: Stack;
  let environment: NodeJS.ProcessEnv;

  before(async () => {
    stack = await Stack.create();
    environment = { ...stack.environment, PULUMI_OPTION_CONFIG_FILE: stack.configFile };
    await stack.configure({
      destinations: [{ url: "https://api.example.com" }],
      ingress: { addresses: ["203.0.113.7"] },
    });
  });
  after(async () => {
    await stack?.[Symbol.asyncDispose]();
  });

  async function ipList(list: unknown, ...more: string[]): Promise<void> {
    const command = mtlsProxy(["ip-list", "--stack", stack.name, "--file", "-", ...more], {
      cwd: REPOSITORY,
      env: environment,
      stdin: JSON.stringify(list),
    });
    const { exit, stderr } = await finished(command);
    assert.equal(exit, 0, stderr);
  }

  async function up(): Promise<Changes> {
    const { succeeded, text, changes } = await stack.up();
    assert.ok(succeeded, text);
    return changes;
  }

  const configured = async () => parse(await readFile(stack.configFile, "utf8")).config["app-builder-mtls:ingress"];

  /** Who may connect, as the account has it, in order. */
  async function admitted(): Promise<string[]> {
    const group = (await stack.resources()).find(({ type }) => type === "aws:ec2/securityGroup:SecurityGroup");
    const xml = await query("ec2", "DescribeSecurityGroupRules", {
      "Filter.1.Name": "group-id",
      "Filter.1.Value.1": group?.id ?? assert.fail("the stack has no security group"),
    });
    const rules = xml.split("<securityGroupRuleId>").slice(1);
    return rules
      .filter((rule) => rule.includes("<isEgress>false</isEgress>"))
      .map((rule) => `${values(rule, "cidrIpv4")}:${values(rule, "fromPort")}-${values(rule, "toPort")}`)
      .sort();
  }

  const listedInNginx = async () =>
    Object.values((await publishedBundle(stack)).files)
      .join("\n")
      .split("\n")
      .flatMap((line) => /^\s*(192\.0\.2\.\S+) yes;$/.exec(line)?.[1] ?? [])
      .sort();

  it("writes a list into the real configuration, as people read it, and leaves the rest of it alone", async () => {
    await ipList(FIRST, "--regions", "emea");
    assert.deepEqual(await configured(), { addresses: ["203.0.113.7"], regions: ["emea"], ipList: FIRST });
  });

  it("has pulumi up let in exactly these, and then nothing more to do", async () => {
    await up();
    assert.deepEqual(await admitted(), [
      "192.0.2.1/32:443-443",
      "192.0.2.4/32:443-443",
      "192.0.2.8/29:443-443",
      "203.0.113.7/32:443-443",
    ]);
    const { succeeded, changes, text } = await stack.preview();
    assert.ok(succeeded, text);
    assert.deepEqual(changes, {});
  });

  it("changes exactly the rules that differ, and never the machine", async () => {
    await ipList(SECOND);
    assert.deepEqual(await up(), {
      ...BUNDLE,
      [`${RULE}-192.0.2.4-32`]: "delete",
      [`${RULE}-192.0.2.64-26`]: "create",
    });
    assert.deepEqual(await admitted(), [
      "192.0.2.1/32:443-443",
      "192.0.2.64/26:443-443",
      "192.0.2.8/29:443-443",
      "203.0.113.7/32:443-443",
    ]);
  });

  it("leaves a list that is too long for a security group to nginx", async () => {
    await ipList(LONG, "--force");
    const changes = await up();
    assert.deepEqual(changes, {
      ...BUNDLE,
      [RULE]: "create",
      [`${RULE}-192.0.2.1-32`]: "delete",
      [`${RULE}-192.0.2.64-26`]: "delete",
      [`${RULE}-192.0.2.8-29`]: "delete",
      [`${RULE}-203.0.113.7-32`]: "delete",
    });
    assert.deepEqual(await admitted(), ["0.0.0.0/0:443-443"]);
    assert.deepEqual(await listedInNginx(), [...(LONG.regions.emea ?? [])].sort());
  });

  it("lets everybody in again once the setting is removed, as docs/ip-list.md says", async () => {
    const removal = ["config", "rm", "ingress"];
    assert.ok((await readFile(`${REPOSITORY}/docs/ip-list.md`, "utf8")).includes(`\`pulumi ${removal.join(" ")}\``));
    const removed = run("pulumi", [...removal, "--stack", stack.name], { cwd: REPOSITORY, env: environment });
    assert.equal((await finished(removed)).exit, 0);
    assert.equal(await configured(), undefined);
    assert.deepEqual(await up(), { ...BUNDLE, [RULE]: "update" });
    assert.deepEqual(await admitted(), ["0.0.0.0/0:443-443"]);
    assert.deepEqual(await listedInNginx(), []);
  });

  it("asks for plain addresses where they are encrypted, and shows none", async () => {
    await stack.encrypt("ingress.addresses[0]", "203.0.113.99");
    const { exit, stderr } = await finished(
      mtlsProxy(["ip-list", "--stack", stack.name, "--file", "-"], {
        cwd: REPOSITORY,
        env: environment,
        stdin: JSON.stringify(FIRST),
      }),
    );
    assert.equal(exit, 2);
    assert.match(stderr, / ERR_MTLS_SETTINGS: .*ingress: must be plain/s);
    assert.ok(!stderr.includes("203.0.113.99"));
  });

  it("ends with a sentence for a stack that does not exist", async () => {
    const command = mtlsProxy(["ip-list", "--stack", "nowhere", "--file", "-"], {
      cwd: REPOSITORY,
      env: stack.environment,
      stdin: JSON.stringify(FIRST),
    });
    const { exit, stderr } = await finished(command);
    assert.equal(exit, 1);
    assert.match(stderr, / ERR_MTLS_NO_STACK: There is no stack nowhere here\. Type: pulumi stack ls/);
  });
});
