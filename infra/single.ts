import * as aws from "@pulumi/aws";
import type { Address } from "./address";
import type { PublishedBundle } from "./bundle";
import type { Network } from "./network";
import type { Part } from "./parts";
import type { MachineRole } from "./role";
import type { Settings } from "./settings";
import { userData } from "./userData";

/** Amazon keeps this parameter at the newest image; it is looked up when a machine starts, not at every `pulumi up`. */
const NEWEST_AMAZON_LINUX = "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64";
/** The image's own size, and its smallest. */
const DISK_GIGABYTES = 8;
const ROOT_DEVICE = "/dev/xvda";

/** IMDSv2 alone, and no hop further: what runs on the machine behind another network stack gets no answer. */
const METADATA = {
  httpEndpoint: "enabled",
  httpTokens: "required",
  httpPutResponseHopLimit: 1,
  instanceMetadataTags: "disabled",
};

interface Surroundings {
  network: Network;
  address: Address;
  bundle: PublishedBundle;
  role: MachineRole;
}

/**
 * One machine at one address: the topology `single`.
 * When it is lost, raising `machine.generation` has the address answer again after some minutes; Amazon's own recovery
 * (on by default) moves it from a failing host by itself.
 */
export function singleMachine(part: Part, { machine }: Settings, surroundings: Surroundings): aws.ec2.Instance {
  const { name, tags, child } = part;
  const { network, address, bundle, role } = surroundings;
  return new aws.ec2.Instance(
    `${name}-machine`,
    {
      launchTemplate: { id: firstBoot(part, machine.generation, bundle.secret).id },
      instanceType: machine.instanceType,
      iamInstanceProfile: role.instanceProfileName,
      primaryNetworkInterface: { networkInterfaceId: address.networkInterfaceId },
      disableApiTermination: machine.terminationProtection,
      metadataOptions: METADATA,
      tags,
      volumeTags: tags,
    },
    {
      ...child,
      // The interface, and so the address, can only be in one machine at a time.
      deleteBeforeReplace: true,
      // What the template gave it at its first boot is never compared again.
      ignoreChanges: ["ami", "userData", "userDataBase64"],
      dependsOn: [address.ready, bundle.published, role.granted, ...network.wayOut],
    },
  );
}

/**
 * What only a machine's first boot reads. A template of its own for each generation, left as it is whatever changes
 * here: so an upgrade of this project replaces no machine, and raising `machine.generation` does, with the newest image.
 * (`ignoreChanges` on the machine itself would also keep its old image when it is replaced.)
 */
function firstBoot(
  { name, tags, child }: Part,
  generation: number,
  secret: aws.secretsmanager.Secret,
): aws.ec2.LaunchTemplate {
  return new aws.ec2.LaunchTemplate(
    `${name}-machine-${generation}`,
    {
      description: "mtls-proxy: what a machine's first boot reads",
      imageId: NEWEST_AMAZON_LINUX,
      userData: userData(secret.arn),
      blockDeviceMappings: [
        {
          deviceName: ROOT_DEVICE,
          ebs: { volumeType: "gp3", volumeSize: DISK_GIGABYTES, encrypted: "true", deleteOnTermination: "true" },
        },
      ],
      // the machine says so too; whatever else is started from the template must not do without
      metadataOptions: METADATA,
      tags,
    },
    {
      ...child,
      ignoreChanges: [
        "imageId",
        "userData",
        "blockDeviceMappings",
        "metadataOptions",
        "tagSpecifications",
        "latestVersion",
      ],
    },
  );
}
