import assert from "node:assert/strict";
import { type Asked, find, program } from "./program";

const DEFAULT = [
  "app-builder-mtls:index:MtlsProxy mtls-proxy",
  "aws:cloudwatch/dashboard:Dashboard mtls-proxy-dashboard",
  "aws:cloudwatch/logGroup:LogGroup mtls-proxy-dev",
  "aws:cloudwatch/logMetricFilter:LogMetricFilter mtls-proxy-client-certificate-days-left",
  "aws:cloudwatch/logMetricFilter:LogMetricFilter mtls-proxy-destination-errors",
  "aws:cloudwatch/logMetricFilter:LogMetricFilter mtls-proxy-destination-seconds",
  "aws:cloudwatch/logMetricFilter:LogMetricFilter mtls-proxy-proxy-errors",
  "aws:cloudwatch/logMetricFilter:LogMetricFilter mtls-proxy-refusals",
  "aws:cloudwatch/logMetricFilter:LogMetricFilter mtls-proxy-refusals-by-code",
  "aws:cloudwatch/logMetricFilter:LogMetricFilter mtls-proxy-request-seconds",
  "aws:cloudwatch/logMetricFilter:LogMetricFilter mtls-proxy-requests",
  "aws:cloudwatch/logMetricFilter:LogMetricFilter mtls-proxy-strangers",
  "aws:cloudwatch/metricAlarm:MetricAlarm mtls-proxy-client-certificate",
  "aws:cloudwatch/metricAlarm:MetricAlarm mtls-proxy-error-rate",
  "aws:cloudwatch/metricAlarm:MetricAlarm mtls-proxy-machine-down",
  "aws:cloudwatch/metricAlarm:MetricAlarm mtls-proxy-refusals",
  "aws:cloudwatch/metricAlarm:MetricAlarm mtls-proxy-server-certificate",
  "aws:cloudwatch/metricAlarm:MetricAlarm mtls-proxy-sync-failing",
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup mtls-proxy-unused",
  "aws:ec2/eip:Eip mtls-proxy-address",
  "aws:ec2/eipAssociation:EipAssociation mtls-proxy-address",
  "aws:ec2/instance:Instance mtls-proxy-machine",
  "aws:ec2/internetGateway:InternetGateway mtls-proxy-gateway",
  "aws:ec2/launchTemplate:LaunchTemplate mtls-proxy-machine-1",
  "aws:ec2/networkInterface:NetworkInterface mtls-proxy-interface",
  "aws:ec2/route:Route mtls-proxy-way-out",
  "aws:ec2/routeTable:RouteTable mtls-proxy-routes",
  "aws:ec2/routeTableAssociation:RouteTableAssociation mtls-proxy-routes",
  "aws:ec2/securityGroup:SecurityGroup mtls-proxy-door",
  "aws:ec2/subnet:Subnet mtls-proxy-subnet",
  "aws:ec2/vpc:Vpc mtls-proxy-vpc",
  "aws:iam/instanceProfile:InstanceProfile mtls-proxy-machine",
  "aws:iam/role:Role mtls-proxy-machine",
  "aws:iam/rolePolicy:RolePolicy mtls-proxy-machine",
  "aws:secretsmanager/secret:Secret mtls-proxy-bundle",
  "aws:secretsmanager/secretVersion:SecretVersion mtls-proxy-bundle",
  "aws:sns/topic:Topic mtls-proxy-alarms",
  "aws:sns/topicPolicy:TopicPolicy mtls-proxy-alarms",
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule mtls-proxy-outward",
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule mtls-proxy-callers",
  "tls:index/certRequest:CertRequest mtls-proxy-client-app-builder-1",
  "tls:index/certRequest:CertRequest mtls-proxy-probe",
  "tls:index/certRequest:CertRequest mtls-proxy-server",
  "tls:index/locallySignedCert:LocallySignedCert mtls-proxy-client-app-builder-1",
  "tls:index/locallySignedCert:LocallySignedCert mtls-proxy-probe",
  "tls:index/locallySignedCert:LocallySignedCert mtls-proxy-server",
  "tls:index/privateKey:PrivateKey mtls-proxy-ca-1",
  "tls:index/privateKey:PrivateKey mtls-proxy-client-app-builder-1",
  "tls:index/privateKey:PrivateKey mtls-proxy-probe",
  "tls:index/privateKey:PrivateKey mtls-proxy-server",
  "tls:index/selfSignedCert:SelfSignedCert mtls-proxy-ca-1",
];

const OWN_NETWORK = DEFAULT.filter((name) =>
  /vpc:Vpc|:DefaultSecurityGroup|:InternetGateway|:Route |:RouteTable|:Subnet /.test(name),
);

const MONITORING = DEFAULT.filter((name) => /^aws:(cloudwatch|sns)\//.test(name));

const named = (asked: Asked[]) => asked.map(({ type, name }) => `${type} ${name}`).sort();

/** What settings add to the default's resources, and what they take away. */
async function difference(settings: Record<string, unknown>): Promise<{ added: string[]; gone: string[] }> {
  const { asked } = await program(settings);
  const names = named(asked);
  return {
    added: names.filter((name) => !DEFAULT.includes(name)),
    gone: DEFAULT.filter((name) => !names.includes(name)),
  };
}

describe("what a stack is made of", () => {
  it("is exactly this, with nothing set but a destination", async () => {
    assert.deepEqual(named((await program()).asked), DEFAULT);
  });

  it("is the same whatever is set about nginx, limits, port, name and machine", async () => {
    const settings = {
      hostname: "mtls.example.com",
      port: 10_443,
      limits: { bodyMegabytes: 1 },
      nginx: { version: "1.30.1" },
      certificates: { keyAlgorithm: "RSA-2048" },
      monitoring: { logRetentionDays: 90, errorPercent: 1, refusalsPerFiveMinutes: 1 },
      machine: { instanceType: "c7g.large", terminationProtection: true },
      tags: { team: "commerce" },
    };
    assert.deepEqual(await difference(settings), { added: [], gone: [] });
  });

  it("has a network of these addresses, whose change would replace it and the machine in it", async () => {
    const { asked } = await program();
    assert.equal(find(asked, "aws:ec2/vpc:Vpc").cidrBlock, "10.0.0.0/24");
    assert.equal(find(asked, "aws:ec2/subnet:Subnet").cidrBlock, "10.0.0.0/26");
  });

  it("has no network when an existing one is used", async () => {
    const network = { vpcId: "vpc-0123456789abcdef0", subnetId: "subnet-0123456789abcdef0" };
    assert.deepEqual(await difference({ network }), { added: [], gone: OWN_NETWORK });
    const { asked } = await program({ network });
    assert.equal(find(asked, "aws:ec2/securityGroup:SecurityGroup").vpcId, network.vpcId);
    assert.equal(find(asked, "aws:ec2/networkInterface:NetworkInterface").subnetId, network.subnetId);
  });

  it("has no address when an existing one is used", async () => {
    const network = { allocationId: "eipalloc-0fedcba9876543210" };
    assert.deepEqual(await difference({ network }), { added: [], gone: ["aws:ec2/eip:Eip mtls-proxy-address"] });
    const { asked } = await program({ network });
    assert.equal(find(asked, "aws:ec2/eipAssociation:EipAssociation").allocationId, network.allocationId);
    assert.deepEqual(find(asked, "tls:index/certRequest:CertRequest", "mtls-proxy-server").ipAddresses, [
      "198.51.100.20",
    ]);
  });

  it("has a record for the host name in a hosted zone", async () => {
    const settings = { hostname: "mtls.example.com", network: { hostedZoneId: "Z0123456789ABCDEFGHIJ" } };
    assert.deepEqual(await difference(settings), {
      added: ["aws:route53/record:Record mtls-proxy-hostname"],
      gone: [],
    });
    const { asked } = await program(settings);
    assert.deepEqual(find(asked, "aws:route53/record:Record"), {
      zoneId: "Z0123456789ABCDEFGHIJ",
      name: "mtls.example.com",
      type: "A",
      ttl: 60,
      records: ["192.0.2.10"],
    });
  });

  it("has nothing that watches when monitoring is off, and the log may be text then", async () => {
    const settings = { monitoring: { enabled: false }, logFormat: "text" };
    assert.deepEqual(await difference(settings), { added: [], gone: MONITORING });
  });

  it("has a subscription when an e-mail address is set", async () => {
    assert.deepEqual(await difference({ monitoring: { email: "operations@example.com" } }), {
      added: ["aws:sns/topicSubscription:TopicSubscription mtls-proxy-alarms-email"],
      gone: [],
    });
  });

  it("has a key and a certificate for each client, named by its generation", async () => {
    const clients = [{ name: "app-builder" }, { name: "partner-x", generation: 3 }];
    assert.deepEqual(await difference({ clients }), {
      added: ["certRequest:CertRequest", "locallySignedCert:LocallySignedCert", "privateKey:PrivateKey"].map(
        (type) => `tls:index/${type} mtls-proxy-client-partner-x-3`,
      ),
      gone: [],
    });
  });

  it("has another CA only when its generation is raised, and the one before until that is retired", async () => {
    const ca = (generation: number) =>
      ["privateKey:PrivateKey", "selfSignedCert:SelfSignedCert"].map(
        (type) => `tls:index/${type} mtls-proxy-ca-${generation}`,
      );
    assert.deepEqual(await difference({ ca: { generation: 2 } }), { added: ca(2), gone: [] });
    assert.deepEqual(await difference({ ca: { generation: 2, retire: 1 } }), { added: ca(2), gone: ca(1) });
    const next = await difference({ ca: { generation: 3, retire: 1 } });
    assert.deepEqual(next, { added: [...ca(2), ...ca(3)].sort(), gone: ca(1) });
  });

  it("has another launch template when the machine's generation is raised", async () => {
    assert.deepEqual(await difference({ machine: { generation: 2 } }), {
      added: ["aws:ec2/launchTemplate:LaunchTemplate mtls-proxy-machine-2"],
      gone: ["aws:ec2/launchTemplate:LaunchTemplate mtls-proxy-machine-1"],
    });
  });
});

describe("tags", () => {
  /** AWS lets nobody tag these. */
  const UNTAGGABLE =
    /:(RolePolicy|SecretVersion|Route|RouteTableAssociation|EipAssociation|Record|LogMetricFilter|Dashboard|TopicPolicy|TopicSubscription)$/;

  it("are on everything in AWS that can have any: the project, the stack, and the user's own", async () => {
    const { asked } = await program({
      tags: { team: "commerce" },
      hostname: "mtls.example.com",
      network: { hostedZoneId: "Z0123456789ABCDEFGHIJ" },
      monitoring: { email: "operations@example.com" },
    });
    const expected = {
      Name: "mtls-proxy-dev",
      "pulumi:project": "app-builder-mtls",
      "pulumi:stack": "dev",
      team: "commerce",
    };
    for (const { type, name, inputs } of asked.filter(({ type }) => type.startsWith("aws:"))) {
      if (UNTAGGABLE.test(type)) assert.equal(inputs.tags, undefined, name);
      else assert.deepEqual(inputs.tags, expected, `${type} ${name}`);
    }
    assert.deepEqual(find(asked, "aws:ec2/instance:Instance").volumeTags, expected);
  });
});
