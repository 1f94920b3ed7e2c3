import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { placeOf } from "../arn";
import type { Part } from "../parts";
import type { Settings } from "../settings";

/** Whom the alarms tell. Anything else can be subscribed to the topic by hand: a chat, a pager. */
export function alarmTopic({ name, tags, child }: Part, { monitoring }: Settings): aws.sns.Topic {
  const topic = new aws.sns.Topic(`${name}-alarms`, { displayName: tags.Name, tags }, child);
  new aws.sns.TopicPolicy(
    `${name}-alarms`,
    { arn: topic.arn, policy: pulumi.jsonStringify(topic.arn.apply(alarmsOfThisAccount)) },
    child,
  );
  if (monitoring.email) {
    new aws.sns.TopicSubscription(
      `${name}-alarms-email`,
      { topic: topic.arn, protocol: "email", endpoint: monitoring.email },
      child,
    );
  }
  return topic;
}

function alarmsOfThisAccount(topicArn: string) {
  return {
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "AlarmsOfThisAccount",
        Effect: "Allow",
        Principal: { Service: "cloudwatch.amazonaws.com" },
        Action: "sns:Publish",
        Resource: topicArn,
        Condition: { StringEquals: { "aws:SourceAccount": placeOf(topicArn).account } },
      },
    ],
  };
}
