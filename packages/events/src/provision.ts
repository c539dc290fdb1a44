import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SetQueueAttributesCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { daySeconds } from '@queue-manager/service-kit/durations';
import {
  brokerName,
  deadLetterName,
  deadLetterRetentionDays,
  type QueueName,
  queueNames,
  queues,
} from './topology.ts';

/**
 * Makes every queue of the topology with its dead-letter queue, and brings the settings of those that are
 * there up to date. Safe to run at any time and by several processes at once. Throws what SQS throws.
 */
export async function provisionQueues(sqs: SQSClient, options: { prefix: string }): Promise<void> {
  await Promise.all(queueNames.map((queue) => provisionQueue(sqs, options.prefix, queue)));
}

async function provisionQueue(sqs: SQSClient, prefix: string, queue: QueueName): Promise<void> {
  const { maxReceiveCount, visibilityTimeoutSeconds, waitSeconds, retentionDays } = queues[queue];
  const deadLetterUrl = await ensureQueue(sqs, deadLetterName(prefix, queue), {
    MessageRetentionPeriod: String(deadLetterRetentionDays * daySeconds),
  });
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: deadLetterUrl, AttributeNames: ['QueueArn'] }),
  );
  await ensureQueue(sqs, brokerName(prefix, queue), {
    VisibilityTimeout: String(visibilityTimeoutSeconds),
    ReceiveMessageWaitTimeSeconds: String(waitSeconds),
    MessageRetentionPeriod: String(retentionDays * daySeconds),
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: Attributes?.QueueArn, maxReceiveCount }),
  });
}

/** Creating by name alone succeeds however the queue's settings differ; they are set after. */
async function ensureQueue(
  sqs: SQSClient,
  name: string,
  attributes: Record<string, string>,
): Promise<string> {
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
  if (QueueUrl === undefined) throw new Error(`SQS named no URL for queue ${name}`);
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: attributes }));
  return QueueUrl;
}
