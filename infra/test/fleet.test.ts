import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { addressesOf } from "../existingNat";
import { firstZones } from "../network";
import { type Asked, find, program } from "./program";

const HOSTNAME = "mtls.example.com";
const FLEET = { topology: "fleet", hostname: HOSTNAME };
const MORE_ADDRESSES = { elasticIpQuota: 10 };

/** What a fleet has in place of a single's machine, interface and subnet, however many zones it has. */
const SHARED = [
  "aws:autoscaling/group:Group mtls-proxy-machines",
  "aws:autoscaling/policy:Policy mtls-proxy-machines",
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup mtls-proxy-fleet-unused",
  "aws:ec2/internetGateway:InternetGateway mtls-proxy-fleet-gateway",
  "aws:ec2/launchTemplate:LaunchTemplate mtls-proxy-machines-1-t4g-micro",
  "aws:ec2/route:Route mtls-proxy-fleet-way-out",
  "aws:ec2/routeTable:RouteTable mtls-proxy-fleet-routes",
  "aws:ec2/securityGroup:SecurityGroup mtls-proxy-door",
  "aws:ec2/securityGroup:SecurityGroup mtls-proxy-machines",
  "aws:ec2/vpc:Vpc mtls-proxy-fleet-vpc",
  "aws:ec2/vpcEndpoint:VpcEndpoint mtls-proxy-packages",
  "aws:iam/instanceProfile:InstanceProfile mtls-proxy-machine",
  "aws:iam/role:Role mtls-proxy-machine",
  "aws:iam/rolePolicy:RolePolicy mtls-proxy-machine",
  "aws:lb/listener:Listener mtls-proxy-callers",
  "aws:lb/loadBalancer:LoadBalancer mtls-proxy-entrance",
  "aws:lb/targetGroup:TargetGroup mtls-proxy-machines",
  "aws:secretsmanager/secret:Secret mtls-proxy-bundle",
  "aws:secretsmanager/secretVersion:SecretVersion mtls-proxy-bundle",
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule mtls-proxy-calls",
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule mtls-proxy-health",
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule mtls-proxy-outward",
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule mtls-proxy-callers",
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule mtls-proxy-calls",
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule mtls-proxy-health",
];

const inZone = (zone: number) => [
  `aws:ec2/eip:Eip mtls-proxy-entrance-${zone}`,
  `aws:ec2/routeTableAssociation:RouteTableAssociation mtls-proxy-private-${zone}`,
  `aws:ec2/routeTableAssociation:RouteTableAssociation mtls-proxy-public-${zone}`,
  `aws:ec2/subnet:Subnet mtls-proxy-private-${zone}`,
  `aws:ec2/subnet:Subnet mtls-proxy-public-${zone}`,
];

const withNat = (zone: number) => [
  `aws:ec2/eip:Eip mtls-proxy-nat-${zone}`,
  `aws:ec2/natGateway:NatGateway mtls-proxy-nat-${zone}`,
  `aws:ec2/route:Route mtls-proxy-nat-${zone}`,
  `aws:ec2/routeTable:RouteTable mtls-proxy-private-${zone}`,
];

/** Certificates, and what watches, are the same for both topologies. */
const namedOfAws = (asked: Asked[]) =>
  asked
    .filter(({ type }) => /^aws:(?!cloudwatch|sns)/.test(type))
    .map(({ type, name }) => `${type} ${name}`)
    .sort();

const value = <T>(output: { apply(use: (value: T) => void): unknown }) =>
  new Promise<T>((resolve) => {
    output.apply(resolve);
  });

const group = (asked: Asked[]) =>
  find<Record<string, unknown> & { name: string; tags: { key: string; value: string; propagateAtLaunch: boolean }[] }>(
    asked,
    "aws:autoscaling/group:Group",
  );

describe("what a fleet is made of", () => {
  for (const [what, settings, expected] of [
    ["in two zones", {}, [1, 2].flatMap((zone) => [...inZone(zone), ...withNat(zone)])],
    [
      "in three zones",
      { fleet: { zones: 3 }, network: MORE_ADDRESSES },
      [1, 2, 3].flatMap((zone) => [...inZone(zone), ...withNat(zone)]),
    ],
    [
      "in two zones with one NAT gateway",
      { fleet: { natGateways: "one" } },
      [...inZone(1), ...inZone(2), ...withNat(1)],
    ],
    [
      "in three zones with one NAT gateway, within the quota of addresses",
      { fleet: { zones: 3, natGateways: "one" } },
      [...[1, 2, 3].flatMap(inZone), ...withNat(1)],
    ],
    [
      "with single's address reserved",
      { network: { reserveFleetIps: true } },
      [...[1, 2].flatMap((zone) => [...inZone(zone), ...withNat(zone)]), "aws:ec2/eip:Eip mtls-proxy-address"],
    ],
  ] as [string, object, string[]][]) {
    it(`is exactly this ${what}`, async () => {
      const { asked } = await program({ ...FLEET, ...settings });
      assert.deepEqual(namedOfAws(asked), [...SHARED, ...expected].sort());
    });
  }

  it("has another launch template when the generation is raised or the type is another, so that its machines are replaced", async () => {
    for (const [machine, name] of [
      [{ generation: 2 }, "mtls-proxy-machines-2-t4g-micro"],
      [{ instanceType: "c7g.large" }, "mtls-proxy-machines-1-c7g-large"],
    ] as const) {
      const { asked } = await program({ ...FLEET, machine });
      assert.deepEqual(group(asked).launchTemplate, { id: `${name}-id`, version: "$Latest" });
    }
  });

  it("stands in the first zones that have the type, or is told that there are too few", () => {
    const place = { instanceType: "t4g.micro", count: 2 };
    assert.deepEqual(firstZones(["eu-west-1c", "eu-west-1a", "eu-west-1b"], place), ["eu-west-1a", "eu-west-1b"]);
    assert.throws(
      () => firstZones(["eu-west-1a"], place),
      /^Error: fleet\.zones: Amazon offers t4g\.micro in 1 of this region's zones\. Set no more, or another/,
    );
    assert.throws(
      () => firstZones([], { ...place, count: 1 }),
      /^Error: machine\.instanceType: Amazon does not offer t4g\.micro in this region\./,
    );
  });
});

describe("a fleet's load balancer", () => {
  it("passes TCP on to the proxy's port from an address in each zone, with a security group from the first", async () => {
    const { asked } = await program({ ...FLEET, port: 10_443 });
    const { tags: _, ...balancer } = find(asked, "aws:lb/loadBalancer:LoadBalancer");
    assert.deepEqual(balancer, {
      loadBalancerType: "network",
      internal: false,
      securityGroups: ["mtls-proxy-door-id"],
      subnetMappings: [1, 2].map((zone) => ({
        subnetId: `mtls-proxy-public-${zone}-id`,
        allocationId: `mtls-proxy-entrance-${zone}-allocation`,
      })),
      enableCrossZoneLoadBalancing: true,
      enableDeletionProtection: true,
    });
    const { port, protocol } = find(asked, "aws:lb/listener:Listener");
    assert.deepEqual([port, protocol], [10_443, "TCP"]);
  });

  it("asks machines over HTTP how they are, keeps the callers' addresses, and cuts nothing of a leaving machine", async () => {
    const { tags: _, ...targets } = find((await program(FLEET)).asked, "aws:lb/targetGroup:TargetGroup");
    assert.deepEqual(targets, {
      vpcId: "mtls-proxy-fleet-vpc-id",
      targetType: "instance",
      protocol: "TCP",
      port: 443,
      preserveClientIp: "true",
      healthCheck: {
        protocol: "HTTP",
        port: "8080",
        path: "/health",
        matcher: "200",
        interval: 10,
        healthyThreshold: 2,
        unhealthyThreshold: 2,
      },
      deregistrationDelay: 30,
      connectionTermination: false,
      targetHealthStates: [{ enableUnhealthyConnectionTermination: false, unhealthyDrainingInterval: 200 }],
    });
  });

  it("can be deleted when that is set", async () => {
    const { asked } = await program({ ...FLEET, fleet: { deletionProtection: false } });
    assert.equal(find(asked, "aws:lb/loadBalancer:LoadBalancer").enableDeletionProtection, false);
  });
});

describe("a fleet's doors", () => {
  const RULES = /:SecurityGroup(In|E)gressRule$/;

  it("let callers to the load balancer, it alone to the machines and their health, and machines out", async () => {
    const { asked } = await program(FLEET);
    const rules = asked
      .filter(({ type }) => RULES.test(type))
      .map(({ type, inputs }) => {
        const { securityGroupId, referencedSecurityGroupId, cidrIpv4, fromPort, toPort, ipProtocol } = inputs;
        const direction = type.includes("Ingress") ? "from" : "to";
        return `${securityGroupId} ${direction} ${referencedSecurityGroupId ?? cidrIpv4} ${ipProtocol} ${fromPort}-${toPort}`;
      });
    assert.deepEqual(rules.sort(), [
      "mtls-proxy-door-id from 0.0.0.0/0 tcp 443-443",
      "mtls-proxy-door-id to mtls-proxy-machines-id tcp 443-443",
      "mtls-proxy-door-id to mtls-proxy-machines-id tcp 8080-8080",
      "mtls-proxy-machines-id from mtls-proxy-door-id tcp 443-443",
      "mtls-proxy-machines-id from mtls-proxy-door-id tcp 8080-8080",
      "mtls-proxy-machines-id to 0.0.0.0/0 tcp 1-65535",
    ]);
  });

  it("are described in characters that EC2 takes", async () => {
    const { asked } = await program(FLEET);
    const described = asked.filter(({ type }) => RULES.test(type) || type.endsWith(":SecurityGroup"));
    assert.equal(described.length, 8);
    for (const { name, inputs } of described)
      assert.match(String(inputs.description), /^[\w .:/()#,@[\]+=&;{}!$*-]{1,255}$/, name);
  });
});

describe("a fleet's machines", () => {
  it("stand in the private subnets, as many as is set, and are replaced one after the other", async () => {
    const { asked } = await program({ ...FLEET, fleet: { min: 3, max: 9 } });
    const { tags: _, initialLifecycleHooks: __, ...machines } = group(asked);
    assert.deepEqual(machines, {
      name: "mtls-proxy-bundle",
      minSize: 3,
      maxSize: 9,
      vpcZoneIdentifiers: ["mtls-proxy-private-1-id", "mtls-proxy-private-2-id"],
      targetGroupArns: ["arn:aws:lb:eu-west-1:123456789012:mtls-proxy-machines"],
      launchTemplate: { id: "mtls-proxy-machines-1-t4g-micro-id", version: "$Latest" },
      healthCheckType: "ELB",
      healthCheckGracePeriod: 180,
      defaultInstanceWarmup: 60,
      instanceRefresh: {
        strategy: "Rolling",
        preferences: { minHealthyPercentage: 100, maxHealthyPercentage: 150 },
      },
      minElbCapacity: 3,
      waitForCapacityTimeout: "20m",
    });
  });

  it("are added at the load that is set", async () => {
    const { asked } = await program({ ...FLEET, fleet: { targetCpuPercent: 70 } });
    const { policyType, targetTrackingConfiguration } = find(asked, "aws:autoscaling/policy:Policy");
    assert.equal(policyType, "TargetTrackingScaling");
    assert.deepEqual(targetTrackingConfiguration, {
      predefinedMetricSpecification: { predefinedMetricType: "ASGAverageCPUUtilization" },
      targetValue: 70,
    });
  });

  it("have no public address, no key, IMDSv2 alone, and an encrypted disk", async () => {
    const { asked } = await program(FLEET);
    const { userData: _, tags: __, description: ___, ...template } = find(asked, LAUNCH_TEMPLATE);
    assert.deepEqual(template, {
      imageId: "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
      instanceType: "t4g.micro",
      iamInstanceProfile: { name: "mtls-proxy-machine" },
      networkInterfaces: [
        { associatePublicIpAddress: "false", securityGroups: ["mtls-proxy-machines-id"], deleteOnTermination: "true" },
      ],
      metadataOptions: {
        httpEndpoint: "enabled",
        httpTokens: "required",
        httpPutResponseHopLimit: 1,
        instanceMetadataTags: "disabled",
      },
      blockDeviceMappings: [
        {
          deviceName: "/dev/xvda",
          ebs: { volumeType: "gp3", volumeSize: 8, encrypted: "true", deleteOnTermination: "true" },
        },
      ],
      monitoring: { enabled: true },
      tagSpecifications: [{ resourceType: "volume", tags: TAGS }],
    });
  });

  it("are measured on the dashboard as a group", async () => {
    const { dashboardBody } = find<{ dashboardBody: string }>(
      (await program(FLEET)).asked,
      "aws:cloudwatch/dashboard:Dashboard",
    );
    assert.ok(
      dashboardBody.includes('"AWS/EC2","CPUUtilization","AutoScalingGroupName","mtls-proxy-bundle"'),
      dashboardBody,
    );
    assert.ok(!dashboardBody.includes('"InstanceId"'));
  });

  it("boot with the same user data as a single's", async () => {
    const [one, other] = [await program(), await program(FLEET)].map(({ asked }) => find(asked, LAUNCH_TEMPLATE));
    assert.equal(one?.userData, other?.userData);
  });

  it("is given the time that its machines take to leave, by the load balancer and by the group", async () => {
    const { asked } = await program(FLEET);
    const { targetHealthStates } = find<{ targetHealthStates: { unhealthyDrainingInterval: number }[] }>(
      asked,
      "aws:lb/targetGroup:TargetGroup",
    );
    const { initialLifecycleHooks } = group(asked);
    const [, terminate] = initialLifecycleHooks as { heartbeatTimeout: number }[];
    const leaving = readFileSync(join(__dirname, "../../proxy/machine/files/sync/fleet.py"), "utf8");
    const seconds = (name: string) => Number(new RegExp(`^${name} = (\\d+)$`, "m").exec(leaving)?.[1]);
    const longest = seconds("LOOK_SECONDS") + seconds("UNHEARD_SECONDS") + seconds("ENDED_SECONDS");
    assert.ok((targetHealthStates[0]?.unhealthyDrainingInterval ?? 0) >= longest, `${longest} s`);
    assert.ok((terminate?.heartbeatTimeout ?? 0) > longest, `${longest} s`);
  });

  it("say to their own group that they serve or are drained, and may say it to no other", async () => {
    const { asked } = await program(FLEET);
    const { fleet } = bundleFiles(asked);
    const { initialLifecycleHooks, name } = group(asked);
    const hooks = initialLifecycleHooks as { name: string }[];
    assert.deepEqual(fleet, { autoScalingGroup: name, launchHook: hooks[0]?.name, terminateHook: hooks[1]?.name });
    assert.deepEqual(hooks, [
      {
        name: "serving",
        lifecycleTransition: "autoscaling:EC2_INSTANCE_LAUNCHING",
        heartbeatTimeout: 900,
        defaultResult: "ABANDON",
      },
      {
        name: "draining",
        lifecycleTransition: "autoscaling:EC2_INSTANCE_TERMINATING",
        heartbeatTimeout: 300,
        defaultResult: "CONTINUE",
      },
    ]);
    const { policy } = find<{ policy: string }>(asked, "aws:iam/rolePolicy:RolePolicy");
    const allowed: { Action: string | string[] }[] = JSON.parse(policy).Statement;
    assert.deepEqual(
      allowed.filter(({ Action }) => Action.includes("autoscaling:CompleteLifecycleAction")),
      [
        {
          Sid: "SayThatItServesOrIsDrained",
          Effect: "Allow",
          Action: "autoscaling:CompleteLifecycleAction",
          Resource: `arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:*:autoScalingGroupName/${name}`,
        },
      ],
    );
  });

  it("have a port for health, which a single's machine has not", async () => {
    assert.ok(bundleFiles((await program(FLEET)).asked).names.includes("health.conf"));
    const { names, fleet } = bundleFiles((await program()).asked);
    assert.deepEqual([names.includes("health.conf"), fleet], [false, undefined]);
  });
});

describe("a fleet's addresses", () => {
  const outputs = async (settings: object, calls = {}) => {
    const { proxy, asked } = await program({ ...FLEET, ...settings }, {}, calls);
    return { proxy, asked, egressIps: await value(proxy.egressIps) };
  };

  it("are its NAT gateways', one for each zone or one for all", async () => {
    assert.deepEqual((await outputs({})).egressIps, ["192.0.2.21", "192.0.2.22"]);
    assert.deepEqual((await outputs({ fleet: { natGateways: "one" } })).egressIps, ["192.0.2.21"]);
    const three = { fleet: { zones: 3 }, network: MORE_ADDRESSES };
    assert.deepEqual((await outputs(three)).egressIps, ["192.0.2.21", "192.0.2.22", "192.0.2.23"]);
  });

  it("are those of a single's future and past, too, where they are reserved", async () => {
    const network = { reserveFleetIps: true };
    const single = await outputs({ topology: "single", network });
    const fleet = await outputs({ network });
    assert.deepEqual(single.egressIps, ["192.0.2.10", "192.0.2.21", "192.0.2.22"]);
    assert.deepEqual([...fleet.egressIps].sort(), [...single.egressIps].sort());
    assert.deepEqual(
      namedOfAws(single.asked).filter((name) => name.includes(":Eip ")),
      ["address", "nat-1", "nat-2"].map((what) => `aws:ec2/eip:Eip mtls-proxy-${what}`),
    );
    const allocationId = "eipalloc-0123456789abcdef0";
    const own = await outputs({ network: { ...network, allocationId } });
    assert.deepEqual(own.egressIps, ["192.0.2.21", "192.0.2.22", `address of ${allocationId}`]);
  });

  it("lead private subnets out by the NAT gateway of their zone, or by the one", async () => {
    const tables = async (natGateways: string) => {
      const { asked } = await outputs({ fleet: { natGateways } });
      return [1, 2].map(
        (zone) =>
          find(asked, "aws:ec2/routeTableAssociation:RouteTableAssociation", `mtls-proxy-private-${zone}`).routeTableId,
      );
    };
    assert.deepEqual(await tables("perZone"), ["mtls-proxy-private-1-id", "mtls-proxy-private-2-id"]);
    assert.deepEqual(await tables("one"), ["mtls-proxy-private-1-id", "mtls-proxy-private-1-id"]);
  });

  it("lead to packages without NAT", async () => {
    const { asked } = await outputs({});
    const { serviceName, vpcEndpointType, routeTableIds } = find(asked, "aws:ec2/vpcEndpoint:VpcEndpoint");
    assert.deepEqual([serviceName, vpcEndpointType], ["com.amazonaws.eu-west-1.s3", "Gateway"]);
    assert.deepEqual(routeTableIds, ["mtls-proxy-private-1-id", "mtls-proxy-private-2-id"]);
  });

  it("stand in the certificate beside the host name, by which actions call", async () => {
    const { proxy, asked } = await outputs({ port: 10_443 });
    assert.equal(await value(proxy.credentials.endpoint), `https://${HOSTNAME}:10443`);
    const { ipAddresses, dnsNames } = find(asked, "tls:index/certRequest:CertRequest", "mtls-proxy-server");
    assert.deepEqual([ipAddresses, dnsNames], [["192.0.2.31", "192.0.2.32"], [HOSTNAME]]);
  });

  it("are where the host name's record leads, made here or by the user", async () => {
    const target = async (settings: object) => {
      const { hostnameTarget } = (await outputs(settings)).proxy;
      return hostnameTarget && value(hostnameTarget);
    };
    assert.equal(await target({}), "entrance.elb.example.com");
    assert.equal(await target({ topology: "single" }), "192.0.2.10");
    const network = { hostedZoneId: "Z0123456789ABCDEFGHIJ" };
    assert.equal(await target({ network }), undefined);
    assert.deepEqual(find((await outputs({ network })).asked, "aws:route53/record:Record"), {
      zoneId: network.hostedZoneId,
      name: HOSTNAME,
      type: "A",
      aliases: [{ name: "entrance.elb.example.com", zoneId: "Z26RNL4JYFTOTI", evaluateTargetHealth: false }],
    });
  });
});

describe("a fleet in a network that was there before", () => {
  const [publicSubnetIds, privateSubnetIds] = ["a", "b"].map((kind) =>
    [1, 2].map((zone) => `subnet-0123456789abcde${kind}${zone}`),
  );
  const network = { vpcId: "vpc-0123456789abcdef0", publicSubnetIds, privateSubnetIds };
  const route = (natGatewayId: string) => ({ cidrBlock: "0.0.0.0/0", natGatewayId });
  const calls = {
    "aws:ec2/getRouteTable:getRouteTable": ({ subnetId }: Record<string, unknown>) => ({
      routes: [{ cidrBlock: "10.0.0.0/16", natGatewayId: "" }, route(`nat of ${subnetId}`)],
    }),
    "aws:ec2/getNatGateway:getNatGateway": ({ id }: Record<string, unknown>) => ({ publicIp: `address of ${id}` }),
  };
  const there = { ...FLEET, network };

  it("has no network of its own, and stands in that one", async () => {
    const { asked } = await program(there, {}, calls);
    const made = SHARED.filter(
      (name) => !/:Vpc|:DefaultSecurityGroup|:InternetGateway|:Route |:RouteTable /.test(name),
    );
    const entrances = [1, 2].map((zone) => `aws:ec2/eip:Eip mtls-proxy-entrance-${zone}`);
    assert.deepEqual(namedOfAws(asked), [...made, ...entrances].sort());
    assert.deepEqual(group(asked).vpcZoneIdentifiers, privateSubnetIds);
    const { subnetMappings } = find<{ subnetMappings: { subnetId: string }[] }>(
      asked,
      "aws:lb/loadBalancer:LoadBalancer",
    );
    assert.deepEqual(
      subnetMappings.map(({ subnetId }) => subnetId),
      publicSubnetIds,
    );
    for (const what of ["door", "machines"])
      assert.equal(find(asked, "aws:ec2/securityGroup:SecurityGroup", `mtls-proxy-${what}`).vpcId, network.vpcId);
  });

  it("goes out by the addresses of the NAT gateways that are there, each told once", async () => {
    const { proxy } = await program(there, {}, calls);
    assert.deepEqual(
      await value(proxy.egressIps),
      privateSubnetIds?.map((subnetId) => `address of nat of ${subnetId}`),
    );
    const shared = {
      "aws:ec2/getRouteTable:getRouteTable": () => ({ routes: [route("nat-1")] }),
      "aws:ec2/getNatGateway:getNatGateway": () => ({ publicIp: "first", secondaryAllocationIds: ["second"] }),
    };
    const { proxy: other } = await program(there, {}, shared);
    assert.deepEqual(await value(other.egressIps), ["first", "address of second"]);
  });

  it("is refused where nobody could know its addresses", async () => {
    for (const [getRouteTable, problem] of [
      [
        () => ({ routes: [{ cidrBlock: "0.0.0.0/0", natGatewayId: "", gatewayId: "igw-1" }] }),
        /network\.privateSubnetIds: subnet-\w+ does not lead to the internet by a NAT gateway/,
      ],
      [
        () => {
          throw new Error("no matching Route Table found");
        },
        /network\.privateSubnetIds: AWS tells no route table of subnet-\w+\. It must be there, and be associated with one\./,
      ],
    ] as const) {
      await program({}, {}, { "aws:ec2/getRouteTable:getRouteTable": getRouteTable });
      await assert.rejects(addressesOf("subnet-0123456789abcdea1"), problem);
    }
  });
});

describe("a fleet's tags", () => {
  /** AWS lets nobody tag these, or has another form for it. */
  const UNTAGGABLE =
    /:(RolePolicy|SecretVersion|Route|RouteTableAssociation|Policy|Group|LogMetricFilter|Dashboard|TopicPolicy)$/;

  it("are on everything in AWS that can have any, machines and disks included", async () => {
    const { asked } = await program(FLEET);
    for (const { type, name, inputs } of asked.filter(({ type }) => type.startsWith("aws:"))) {
      if (!UNTAGGABLE.test(type)) assert.deepEqual(inputs.tags, TAGS, `${type} ${name}`);
    }
    const { tags } = group(asked);
    assert.deepEqual(Object.fromEntries(tags.map(({ key, value: text }) => [key, text])), TAGS);
    assert.ok(tags.every(({ propagateAtLaunch }) => propagateAtLaunch));
  });
});

const LAUNCH_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate";

const TAGS = { Name: "mtls-proxy-dev", "pulumi:project": "app-builder-mtls", "pulumi:stack": "dev" };

function bundleFiles(asked: Asked[]): { names: string[]; fleet: unknown } {
  const { secretBinary } = find<{ secretBinary: string }>(asked, "aws:secretsmanager/secretVersion:SecretVersion");
  const { files } = JSON.parse(gunzipSync(Buffer.from(secretBinary, "base64")).toString());
  return { names: Object.keys(files), fleet: files["fleet.json"] && JSON.parse(files["fleet.json"]) };
}
