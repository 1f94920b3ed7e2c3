import type * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { placeOf } from "./arn";

/** A machine boots in 2 to 3 minutes; one that does not serve by then is given up for another. In seconds. */
const LONGEST_BOOT = 900;
/** What is under way ends within 65 s (nginx's worker_shutdown_timeout); a machine that is lost says nothing. In seconds. */
const LONGEST_DRAINING = 300;

const LAUNCH_HOOK = "serving";
const TERMINATE_HOOK = "draining";

/**
 * What a fleet's machines call their group. The bundle says it to them, and the first of them boots on that bundle:
 * so the name is known before the group is there.
 */
export const groupNameOf = (secret: aws.secretsmanager.Secret): pulumi.Output<string> => secret.name;

/** `fleet.json`: what a machine needs to say that it serves, and that it has ended what it had begun. */
export const fleetFile = (secret: aws.secretsmanager.Secret): pulumi.Output<string> =>
  pulumi.jsonStringify({
    autoScalingGroup: groupNameOf(secret),
    launchHook: LAUNCH_HOOK,
    terminateHook: TERMINATE_HOOK,
  });

/** The group waits for a machine's word before it sends callers to it, and before it ends it. */
export const LIFECYCLE_HOOKS = [
  {
    name: LAUNCH_HOOK,
    lifecycleTransition: "autoscaling:EC2_INSTANCE_LAUNCHING",
    heartbeatTimeout: LONGEST_BOOT,
    defaultResult: "ABANDON",
  },
  {
    name: TERMINATE_HOOK,
    lifecycleTransition: "autoscaling:EC2_INSTANCE_TERMINATING",
    heartbeatTimeout: LONGEST_DRAINING,
    defaultResult: "CONTINUE",
  },
];

/** The right to give that word, to its own group. */
export const givingItsWord = (secret: aws.secretsmanager.Secret): pulumi.Output<object> =>
  pulumi.all([secret.arn, groupNameOf(secret)]).apply(([arn, group]) => {
    const { partition, region, account } = placeOf(arn);
    return {
      Sid: "SayThatItServesOrIsDrained",
      Effect: "Allow",
      Action: "autoscaling:CompleteLifecycleAction",
      Resource: `arn:${partition}:autoscaling:${region}:${account}:autoScalingGroup:*:autoScalingGroupName/${group}`,
    };
  });
