import {
  alertTopic,
  alertTopicName,
  brokerName,
  deadLetterName,
  deadLetterRetentionDays,
  isFifo,
  type QueueName,
  queueNames,
  queues,
} from '@queue-manager/events/topology';
import { Duration, Stack, type StackProps } from 'aws-cdk-lib';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as subscriptions from 'aws-cdk-lib/aws-sns-subscriptions';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { alertTopicOf } from '../alert-topic.ts';
import type { Settings } from '../settings.ts';

export type Queue = { queue: sqs.Queue; deadLetters: sqs.Queue };

/** The message queues of the topology, and the topic for alerts. */
export class EventsStack extends Stack {
  readonly queues: Map<QueueName, Queue>;
  readonly alerts: sns.Topic;

  constructor(scope: Construct, id: string, props: StackProps & { settings: Settings }) {
    super(scope, id, props);
    const { settings } = props;
    const { prefix } = settings;

    this.queues = new Map(queueNames.map((name) => [name, this.#queue(name, settings)]));

    this.alerts = alertTopicOf(this, alertTopicName(prefix), settings);
    for (const name of alertTopic.subscribers) {
      const { queue } = this.queues.get(name) as Queue;
      this.alerts.addSubscription(
        new subscriptions.SqsSubscription(queue, {
          rawMessageDelivery: true,
          filterPolicy: { type: sns.SubscriptionFilter.existsFilter() },
        }),
      );
    }
  }

  #queue(name: QueueName, { prefix }: Settings): Queue {
    const { maxReceiveCount, visibilityTimeoutSeconds, waitSeconds, retentionDays } = queues[name];
    const queueName = brokerName(prefix, name);
    const common = {
      encryption: sqs.QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      ...(isFifo(name)
        ? {
            fifo: true,
            // Each group has a throughput of its own; ids of events are unique across groups.
            fifoThroughputLimit: sqs.FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
            deduplicationScope: sqs.DeduplicationScope.MESSAGE_GROUP,
          }
        : {}),
    };
    const deadLetters = new sqs.Queue(this, `${name}-dlq`, {
      ...common,
      queueName: deadLetterName(prefix, name),
      retentionPeriod: Duration.days(deadLetterRetentionDays),
    });
    const queue = new sqs.Queue(this, name, {
      ...common,
      queueName,
      visibilityTimeout: Duration.seconds(visibilityTimeoutSeconds),
      receiveMessageWaitTime: Duration.seconds(waitSeconds),
      retentionPeriod: Duration.days(retentionDays),
      deadLetterQueue: { queue: deadLetters, maxReceiveCount },
    });
    return { queue, deadLetters };
  }
}
