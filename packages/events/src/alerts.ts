import {
  CreateTopicCommand,
  PublishCommand,
  type SNSClient,
  SubscribeCommand,
} from '@aws-sdk/client-sns';
import {
  GetQueueAttributesCommand,
  SetQueueAttributesCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { type EventOf, eventSchema } from '@queue-manager/contracts/events';
import { findQueue } from './client.ts';
import { alertTopic, alertTopicName, type QueueName } from './topology.ts';

export type Alerts = {
  /** Resolves when SNS has accepted the alert. Throws the error of SNS, and when the event is invalid. */
  publish(event: EventOf<'alert.raised'>): Promise<void>;
};

/** Publishes alerts to the topic, which is created when it is missing. */
export function createAlerts(options: { sns: SNSClient; prefix: string }): Alerts {
  const { sns, prefix } = options;
  let topicArn: string | undefined;
  return {
    async publish(event) {
      const Message = JSON.stringify(eventSchema('alert.raised').parse(event));
      topicArn ??= await ensureTopic(sns, prefix);
      await sns.send(
        new PublishCommand({
          TopicArn: topicArn,
          Message,
          MessageAttributes: { type: { DataType: 'String', StringValue: event.type } },
        }),
      );
    },
  };
}

/**
 * Creates the topic for alerts and subscribes the queues of the topology, with raw delivery: a message is the
 * event itself. The queues must exist. Idempotent, and safe to run in several processes at once.
 */
export async function provisionAlerts(
  sns: SNSClient,
  sqs: SQSClient,
  options: { prefix: string },
): Promise<void> {
  const topicArn = await ensureTopic(sns, options.prefix);
  for (const queue of alertTopic.subscribers) {
    const Endpoint = await allowTopic(sqs, options.prefix, queue, topicArn);
    await sns.send(
      new SubscribeCommand({
        TopicArn: topicArn,
        Protocol: 'sqs',
        Endpoint,
        Attributes: { RawMessageDelivery: 'true' },
      }),
    );
  }
}

/** The topic's ARN. Creating an existing topic returns it unchanged. */
async function ensureTopic(sns: SNSClient, prefix: string): Promise<string> {
  const Name = alertTopicName(prefix);
  const { TopicArn } = await sns.send(new CreateTopicCommand({ Name }));
  if (TopicArn === undefined) throw new Error(`SNS returned no ARN for topic ${Name}`);
  return TopicArn;
}

/** Allows the topic to send to a queue. Returns the queue's ARN. */
async function allowTopic(
  sqs: SQSClient,
  prefix: string,
  queue: QueueName,
  topicArn: string,
): Promise<string> {
  const QueueUrl = await findQueue(sqs, prefix, queue);
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
  );
  const queueArn = Attributes?.QueueArn;
  if (queueArn === undefined) throw new Error(`SQS returned no ARN for queue ${queue}`);
  const policy = {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'alerts',
        Effect: 'Allow',
        Principal: { Service: 'sns.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: queueArn,
        Condition: { ArnEquals: { 'aws:SourceArn': topicArn } },
      },
    ],
  };
  await sqs.send(
    new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy: JSON.stringify(policy) } }),
  );
  return queueArn;
}
