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
 * Creates every queue of the topology with its dead-letter queue, and updates the settings of existing ones.
 * Idempotent, and safe to run in several processes at once.
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

/** Creates the queue by name alone, since SQS refuses to create an existing queue with other settings; then sets them. */
async function ensureQueue(
  sqs: SQSClient,
  name: string,
  attributes: Record<string, string>,
): Promise<string> {
  const { QueueUrl } = await sqs.send(
    new CreateQueueCommand({
      QueueName: name,
      ...(name.endsWith('.fifo') ? { Attributes: { FifoQueue: 'true' } } : {}),
    }),
  );
  if (QueueUrl === undefined) throw new Error(`SQS returned no URL for queue ${name}`);
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: attributes }));
  return QueueUrl;
}
