import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { makeEvent } from '@queue-manager/contracts/events';
import { accountKeyPrefix, User } from '@queue-manager/contracts/users';
import { createDeadLetterUrls } from '@queue-manager/events/client';
import { withFailure } from '@queue-manager/events/dead-letter';
import type { Publisher } from '@queue-manager/events/publish';
import type { Clock } from '@queue-manager/service-kit/clock';
import type { Logger } from '@queue-manager/service-kit/logging';

/** A record of the accounts' stream, as DynamoDB and Lambda deliver it. */
export type StreamRecord = {
  eventID?: string;
  eventName?: string;
  dynamodb?: { NewImage?: Record<string, unknown>; SequenceNumber?: string };
};

/** The partial failure that Lambda understands: it delivers this record and all after it again. */
export type BatchFailure = { batchItemFailures: { itemIdentifier: string }[] };

export type ForwardAccounts = (records: readonly StreamRecord[]) => Promise<BatchFailure>;

/**
 * Sends each new account of a batch to `contacts.fifo`, in order. The account's id is the id of the event, by which SQS
 * drops a repeat. Stops at the first record that SQS does not take, so that none overtakes it. A record that is no valid
 * account can never be sent: it becomes a dead letter, and does not block the stream.
 */
export function createForwardAccounts(options: {
  publisher: Publisher;
  sqs: SQSClient;
  sqsPrefix: string;
  clock: Clock;
  logger: Logger;
}): ForwardAccounts {
  const { publisher, sqs, clock, logger } = options;
  const deadLetterUrlOf = createDeadLetterUrls(sqs, options.sqsPrefix);

  const makeDeadLetter = async (eventId: string, error: Error) => {
    logger.error({ streamEventId: eventId, err: error }, 'an account cannot be forwarded');
    const message = { MessageId: eventId, Body: JSON.stringify({ streamEventId: eventId }) };
    const failure = { error, failedAt: clock.now(), receives: 1 };
    await sqs.send(
      new SendMessageCommand({
        QueueUrl: await deadLetterUrlOf('contacts.fifo'),
        ...withFailure('contacts.fifo', message, failure),
      }),
    );
  };

  const forward = async ({ eventID = '', dynamodb = {} }: StreamRecord) => {
    const image = unmarshall(dynamodb.NewImage as Record<string, AttributeValue>);
    const parsed = User.safeParse(image);
    if (!parsed.success) {
      const faults = parsed.error.issues.map(({ path, code }) => `${path.join('.')} ${code}`);
      return makeDeadLetter(eventID, new Error(`The account is invalid: ${faults.join(', ')}`));
    }
    const { id, ...account } = parsed.data;
    const { failed } = await publisher.publish([
      makeEvent({
        id,
        source: '/forwarder',
        type: 'contact.added',
        subject: id,
        time: account.verifiedAt,
        data: { userId: id, ...account },
      }),
    ]);
    const reason = failed.get(id);
    if (reason !== undefined) await makeDeadLetter(eventID, new Error(reason));
  };

  return async (records) => {
    for (const record of records) {
      if (!isNewAccount(record)) continue;
      try {
        await forward(record);
      } catch (error) {
        logger.warn(
          { err: error, streamEventId: record.eventID },
          'not forwarded: will be retried',
        );
        return { batchItemFailures: [{ itemIdentifier: record.dynamodb?.SequenceNumber ?? '' }] };
      }
    }
    return { batchItemFailures: [] };
  };
}

/** Other items of the table have other keys; only a verified account has the time of its verification. */
function isNewAccount({ eventName, dynamodb }: StreamRecord): boolean {
  const { pk, verifiedAt } = (dynamodb?.NewImage ?? {}) as Record<string, { S?: string }>;
  const isAccount = pk?.S?.startsWith(accountKeyPrefix) ?? false;
  return eventName === 'INSERT' && isAccount && verifiedAt?.S !== undefined;
}
