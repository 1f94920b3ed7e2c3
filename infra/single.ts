import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { type Address, fixedAddress, reservedIps } from "./address";
import type { PublishedBundle } from "./bundle";
import { firstBoot, LEFT_AS_IT_WAS, METADATA_OPTIONS } from "./machineTemplate";
import { type Network, networkFor } from "./network";
import type { Part } from "./parts";
import type { MachineRole } from "./role";
import type { Settings } from "./settings";
import type { Machines, Topology } from "./topology";

interface Surroundings {
  network: Network;
  address: Address;
  bundle: PublishedBundle;
  role: MachineRole;
}

/**
 * One machine at one address.
 * When it is lost, raising `machine.generation` has the address answer again after some minutes; Amazon's own recovery
 * (on by default) moves it from a failing host by itself.
 */
export function single(part: Part, settings: Settings): Topology {
  const network = networkFor(part, settings);
  const address = fixedAddress(part, settings, network);
  return {
    entrance: { addresses: [address.publicIp], target: address.publicIp },
    egressIps: pulumi.all([address.publicIp, ...reservedIps(part, settings)]),
    serve: (bundle, role) => machineFor(part, settings, { network, address, bundle, role }),
  };
}

function machineFor(part: Part, { machine }: Settings, surroundings: Surroundings): Machines {
  const { name, tags, child } = part;
  const { network, address, bundle, role } = surroundings;
  const instance = new aws.ec2.Instance(
    `${name}-machine`,
    {
      launchTemplate: { id: template(part, machine.generation, bundle.secret).id },
      instanceType: machine.instanceType,
      iamInstanceProfile: role.instanceProfileName,
      primaryNetworkInterface: { networkInterfaceId: address.networkInterfaceId },
      disableApiTermination: machine.terminationProtection,
      metadataOptions: METADATA_OPTIONS,
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
  return { dimension: "InstanceId", id: instance.id, ready: instance };
}

/**
 * What only a machine's first boot reads. A template of its own for each generation, left as it is whatever changes
 * here: so an upgrade of this project replaces no machine, and raising `machine.generation` does, with the newest image.
 * (`ignoreChanges` on the machine itself would also keep its old image when it is replaced.)
 */
function template(
  { name, tags, child }: Part,
  generation: number,
  secret: aws.secretsmanager.Secret,
): aws.ec2.LaunchTemplate {
  return new aws.ec2.LaunchTemplate(
    `${name}-machine-${generation}`,
    {
      description: "mtls-proxy: what a machine's first boot reads",
      ...firstBoot(secret),
      tags,
    },
    { ...child, ignoreChanges: LEFT_AS_IT_WAS },
  );
}
