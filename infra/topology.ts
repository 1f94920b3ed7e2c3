import type * as pulumi from "@pulumi/pulumi";
import type { PublishedBundle } from "./bundle";
import { fleet } from "./fleet";
import type { Part } from "./parts";
import type { MachineRole } from "./role";
import type { Settings } from "./settings";
import { single } from "./single";

/** What stands between callers and destinations: one machine, or many behind a load balancer. */
export interface Topology {
  /** Where callers come in. */
  entrance: Entrance;
  /** Every address that calls to destinations may come from, with those that are reserved for a change of topology. */
  egressIps: pulumi.Output<string[]>;
  /** Has machines serve the bundle. */
  serve(bundle: PublishedBundle, role: MachineRole): Machines;
}

export interface Entrance {
  /** All of them are the proxy's for as long as the topology stays. */
  addresses: pulumi.Output<string>[];
  /** Where a host name has to lead: the address, or the load balancer's own name. */
  target: pulumi.Output<string>;
  /** The hosted zone of a target that is a name, which Route 53 makes an alias of. */
  targetZoneId?: pulumi.Output<string>;
}

export interface Machines {
  /** By which Amazon EC2 measures them, and whose value is `id`. */
  dimension: "InstanceId" | "AutoScalingGroupName";
  id: pulumi.Output<string>;
  /** By which a load balancer counts them; a single machine has none. */
  counted?: Record<"TargetGroup" | "LoadBalancer", pulumi.Output<string>>;
  /** What is there once they serve, as far as AWS can tell. */
  ready: pulumi.Resource;
}

export const topologyFor = (part: Part, settings: Settings): Topology =>
  settings.topology === "fleet" ? fleet(part, settings) : single(part, settings);
