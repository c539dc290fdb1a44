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
  /** Resolves when SNS has the alert. Throws what SNS throws, and when the alert breaks its contract. */
  publish(event: EventOf<'alert.raised'>): Promise<void>;
};

/** Publishes alerts to the topic, which is made when it is missing. */
export function createAlerts(options: { sns: SNSClient; prefix: string }): Alerts {
  const { sns, prefix } = options;
  let known: string | undefined;
  return {
    async publish(event) {
      const Message = JSON.stringify(eventSchema('alert.raised').parse(event));
      known ??= await ensureTopic(sns, prefix);
      await sns.send(
        new PublishCommand({
          TopicArn: known,
          Message,
          MessageAttributes: { type: { DataType: 'String', StringValue: event.type } },
        }),
      );
    },
  };
}

/**
 * Makes the topic for alerts and subscribes the queues that the topology names, so that they receive an
 * alert's event as it is. The queues must be there. Safe to run at any time and by several processes at once.
 * Throws what SNS and SQS throw.
 */
export async function provisionAlerts(
  sns: SNSClient,
  sqs: SQSClient,
  options: { prefix: string },
): Promise<void> {
  const topicArn = await ensureTopic(sns, options.prefix);
  for (const queue of alertTopic.subscribers) {
    const Endpoint = await admitTopic(sqs, options.prefix, queue, topicArn);
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

/** The topic's ARN. Creating a topic that is there gives it back as it is. */
async function ensureTopic(sns: SNSClient, prefix: string): Promise<string> {
  const Name = alertTopicName(prefix);
  const { TopicArn } = await sns.send(new CreateTopicCommand({ Name }));
  if (TopicArn === undefined) throw new Error(`SNS named no ARN for topic ${Name}`);
  return TopicArn;
}

/** Lets the topic send to a queue; gives the queue's ARN. */
async function admitTopic(
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
  if (queueArn === undefined) throw new Error(`SQS named no ARN for queue ${queue}`);
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
