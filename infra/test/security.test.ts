import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import * as pulumi from "@pulumi/pulumi";
import { ACCOUNT, type Asked, find, program, REGION } from "./program";

const SECRET_ARN = `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:mtls-proxy-bundle`;
const INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";

describe("the machine's role", () => {
  const policyOf = ({ asked }: { asked: Asked[] }) =>
    JSON.parse(find<{ policy: string }>(asked, "aws:iam/rolePolicy:RolePolicy").policy);
  const BASIC = [
    {
      Sid: "ReadItsBundle",
      Effect: "Allow",
      Action: ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
      Resource: SECRET_ARN,
    },
    {
      Sid: "SessionManager",
      Effect: "Allow",
      Action: [
        "ssm:UpdateInstanceInformation",
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
      ],
      Resource: "*",
    },
  ];

  it("may read its bundle, open Session Manager and write its own log and metrics, word for word", async () => {
    assert.deepEqual(policyOf(await program()), {
      Version: "2012-10-17",
      Statement: [
        ...BASIC,
        {
          Sid: "WriteItsLog",
          Effect: "Allow",
          Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
          Resource: `arn:aws:cloudwatch:${REGION}:${ACCOUNT}:mtls-proxy-dev:*`,
        },
        {
          Sid: "ReportMetrics",
          Effect: "Allow",
          Action: "cloudwatch:PutMetricData",
          Resource: "*",
          Condition: { StringEquals: { "cloudwatch:namespace": "mtls-proxy-dev" } },
        },
      ],
    });
  });

  it("may write no log and no metrics when monitoring is off", async () => {
    const off = await program({ monitoring: { enabled: false } });
    assert.deepEqual(policyOf(off), { Version: "2012-10-17", Statement: BASIC });
  });

  it("is taken on by machines of EC2 alone, and has no managed policy", async () => {
    const { asked } = await program();
    const { assumeRolePolicy, ...others } = find<{ assumeRolePolicy: string }>(asked, "aws:iam/role:Role");
    assert.deepEqual(JSON.parse(assumeRolePolicy).Statement, [
      { Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" },
    ]);
    assert.deepEqual(Object.keys(others).sort(), ["description", "tags"]);
  });
});

describe("the machine's door", () => {
  for (const port of [443, 10_443]) {
    it(`lets in port ${port} and nothing else`, async () => {
      const { asked } = await program({ port });
      const { fromPort, toPort, ipProtocol, cidrIpv4 } = find(asked, INGRESS);
      assert.deepEqual(
        { fromPort, toPort, ipProtocol, cidrIpv4 },
        { fromPort: port, toPort: port, ipProtocol: "tcp", cidrIpv4: "0.0.0.0/0" },
      );
      const group = find(asked, "aws:ec2/securityGroup:SecurityGroup");
      assert.deepEqual([group.ingress, group.egress], [undefined, undefined]);
      assert.deepEqual(find(asked, "aws:ec2/networkInterface:NetworkInterface").securityGroups, ["mtls-proxy-door-id"]);
    });
  }

  const rulesFor = async (ingress: Record<string, unknown>, port = 443) =>
    (await program({ ingress, port })).asked.filter(({ type }) => type === INGRESS);
  /** As many addresses, no two of which are neighbours. */
  const apart = (count: number) => Array.from({ length: count }, (_, index) => `198.51.100.${index * 2}`);

  it("lets in the listed addresses alone, by a rule for each that says whose it is", async () => {
    const ipList = { regions: { amer: ["198.51.100.7/32"], emea: ["203.0.113.64/27", "203.0.113.96/27"] } };
    const rules = await rulesFor({ ipList, addresses: ["192.0.2.10"] }, 10_443);
    assert.deepEqual(
      rules.map(({ name, inputs }) => [name, inputs.cidrIpv4, inputs.description, inputs.fromPort, inputs.toPort]),
      [
        ["mtls-proxy-callers-192.0.2.10-32", "192.0.2.10/32", "listed in ingress: addresses", 10_443, 10_443],
        ["mtls-proxy-callers-198.51.100.7-32", "198.51.100.7/32", "listed in ingress: amer", 10_443, 10_443],
        ["mtls-proxy-callers-203.0.113.64-26", "203.0.113.64/26", "listed in ingress: emea", 10_443, 10_443],
      ],
    );
  });

  it("has 30 rules at most, so that all of them can be exchanged within EC2's 60", async () => {
    assert.equal((await rulesFor({ addresses: apart(30) })).length, 30);
    const [open, ...others] = await rulesFor({ addresses: apart(31) });
    assert.deepEqual(
      [others.length, open?.name, open?.inputs.cidrIpv4, open?.inputs.description],
      [
        0,
        "mtls-proxy-callers",
        "0.0.0.0/0",
        "too many addresses are listed for a security group; nginx refuses the others",
      ],
    );
  });

  it("is described in the characters that EC2 takes: an apostrophe would end pulumi up", async () => {
    const manyRegions = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => [`region-${index}`, ["192.0.2.9"]]),
    );
    const settings = [{}, { addresses: apart(30) }, { addresses: apart(31) }, { ipList: { regions: manyRegions } }];
    const asked: Asked[] = [];
    for (const ingress of settings) asked.push(...(await program({ ingress })).asked);
    const doors = asked.filter(({ type }) => /:SecurityGroup(IngressRule|EgressRule)?$/.test(type));
    assert.equal(doors.length, 4 * 2 + 1 + 30 + 1 + 1);
    // EC2 API reference, CreateSecurityGroup and IpRange: the emulator takes anything.
    for (const { inputs } of doors)
      assert.match(String(inputs.description), /^[a-zA-Z0-9 ._:/()#,@[\]+=&;{}!$*-]{1,255}$/);
  });

  it("leaves the VPC's default security group without a rule", async () => {
    const { ingress, egress } = find((await program()).asked, "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup");
    assert.deepEqual([ingress, egress], [[], []]);
  });

  it("gives no address to a machine that does not ask for one", async () => {
    const { asked } = await program();
    assert.equal(find(asked, "aws:ec2/subnet:Subnet").mapPublicIpOnLaunch, undefined);
    assert.equal(launchTemplate(asked).networkInterfaces, undefined);
  });
});

describe("the machine", () => {
  it("has no SSH key", async () => {
    const { asked } = await program();
    assert.equal(find(asked, "aws:ec2/instance:Instance").keyName, undefined);
    assert.equal(launchTemplate(asked).keyName, undefined);
  });

  it("answers for its metadata to IMDSv2 alone, one hop away, and so does whatever is started from its template", async () => {
    const { asked } = await program();
    for (const { metadataOptions } of [find(asked, "aws:ec2/instance:Instance"), launchTemplate(asked)])
      assert.deepEqual(metadataOptions, {
        httpEndpoint: "enabled",
        httpTokens: "required",
        httpPutResponseHopLimit: 1,
        instanceMetadataTags: "disabled",
      });
  });

  it("has one disk: encrypted, gp3, gone with the machine", async () => {
    assert.deepEqual(launchTemplate((await program()).asked).blockDeviceMappings, [
      {
        deviceName: "/dev/xvda",
        ebs: { volumeType: "gp3", volumeSize: 8, encrypted: "true", deleteOnTermination: "true" },
      },
    ]);
  });

  it("stands on the interface that has the address", async () => {
    const { asked } = await program();
    const { primaryNetworkInterface } = find<{ primaryNetworkInterface: { networkInterfaceId: string } }>(
      asked,
      "aws:ec2/instance:Instance",
    );
    const { networkInterfaceId } = find(asked, "aws:ec2/eipAssociation:EipAssociation");
    // AWS checks source and destination unless told otherwise
    assert.equal(find(asked, "aws:ec2/networkInterface:NetworkInterface").sourceDestCheck, undefined);
    assert.deepEqual(
      [primaryNetworkInterface.networkInterfaceId, networkInterfaceId],
      Array(2).fill("mtls-proxy-interface-id"),
    );
  });

  it("is protected from termination when that is set", async () => {
    const protection = async (settings: object) =>
      find((await program({ machine: settings })).asked, "aws:ec2/instance:Instance").disableApiTermination;
    assert.deepEqual([await protection({}), await protection({ terminationProtection: true })], [false, true]);
  });
});

describe("user data", () => {
  const OTHERWISE = {
    destinations: [
      { name: "pim", path: "/pim/", url: "https://pim.example.com" },
      { name: "orders", path: "/orders/", url: "https://orders.example.com:8443" },
    ],
    clients: [{ name: "partner-x", generation: 3 }],
    port: 10_443,
    hostname: "mtls.example.com",
    logFormat: "text",
    monitoring: { enabled: false },
    limits: { bodyMegabytes: 1 },
    nginx: { version: "1.30.1" },
    ca: { generation: 2, retire: 1 },
    machine: { instanceType: "c7g.large", generation: 5, terminationProtection: true },
    tags: { team: "commerce" },
  };

  it("is the same whatever the settings", async () => {
    const [one, other] = [await program(), await program(OTHERWISE)].map(({ asked }) => launchTemplate(asked).userData);
    assert.equal(one, other);
  });

  it("says where the bundle is, holds no key, and fits", async () => {
    const packed = Buffer.from(launchTemplate((await program()).asked).userData, "base64");
    const text = gunzipSync(packed).toString();
    assert.ok(text.startsWith("#cloud-config\n"));
    assert.ok(text.includes(SECRET_ARN) && text.includes(REGION));
    assert.ok(!/private key of|PRIVATE KEY-/.test(text));
    assert.ok(packed.length < 16_384, `${packed.length} bytes`);
  });
});

describe("keys", () => {
  it("are secret on their way out of the program", async () => {
    const { proxy } = await program();
    assert.ok(await pulumi.isSecret(proxy.credentials.clientKey));
    for (const public_ of [
      proxy.credentials.endpoint,
      proxy.credentials.clientCert,
      proxy.credentials.caCert,
      proxy.bundleVersion,
    ])
      assert.equal(await pulumi.isSecret(public_), false);
  });

  it("reach AWS as the one secret value, and nowhere else", async () => {
    const { asked } = await program();
    const holding = asked
      .filter(
        ({ type, inputs }) => type.startsWith("aws:") && JSON.stringify(unpacked(inputs)).includes("private key of"),
      )
      .map(({ type }) => type);
    assert.deepEqual(holding, ["aws:secretsmanager/secretVersion:SecretVersion"]);
    assert.ok(!JSON.stringify(unpacked(find(asked, holding[0] ?? ""))).includes("private key of mtls-proxy-ca"));
  });
});

const launchTemplate = (asked: Asked[]) =>
  find<{
    userData: string;
    keyName?: string;
    blockDeviceMappings: object[];
    metadataOptions: object;
    networkInterfaces?: object;
  }>(asked, "aws:ec2/launchTemplate:LaunchTemplate");

/** The same with gzipped values in clear. */
function unpacked(inputs: Asked["inputs"]): Asked["inputs"] {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [
      name,
      typeof value === "string" && value.startsWith("H4sI")
        ? gunzipSync(Buffer.from(value, "base64")).toString()
        : value,
    ]),
  );
}
