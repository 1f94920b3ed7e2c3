import type * as aws from "@pulumi/aws";
import { userData } from "./userData";

/** Amazon keeps this parameter at the newest image; it is looked up when a machine starts, not at every `pulumi up`. */
const NEWEST_AMAZON_LINUX = "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64";
/** The image's own size, and its smallest. */
const DISK_GIGABYTES = 8;
const ROOT_DEVICE = "/dev/xvda";

/** IMDSv2 alone, and no hop further: what runs on the machine behind another network stack gets no answer. */
export const METADATA_OPTIONS = {
  httpEndpoint: "enabled",
  httpTokens: "required",
  httpPutResponseHopLimit: 1,
  instanceMetadataTags: "disabled",
};

/** What a machine is at its first boot, whoever starts it. */
export const firstBoot = (secret: aws.secretsmanager.Secret) => ({
  imageId: NEWEST_AMAZON_LINUX,
  userData: userData(secret.arn),
  blockDeviceMappings: [
    {
      deviceName: ROOT_DEVICE,
      ebs: { volumeType: "gp3", volumeSize: DISK_GIGABYTES, encrypted: "true", deleteOnTermination: "true" },
    },
  ],
  // A single says so too; whatever else is started from a template must not do without.
  metadataOptions: METADATA_OPTIONS,
});

/** So an upgrade of this project replaces no machine: what is new of it comes with another `machine.generation`. */
export const LEFT_AS_IT_WAS = [
  "imageId",
  "userData",
  "blockDeviceMappings",
  "metadataOptions",
  "tagSpecifications",
  "latestVersion",
];
