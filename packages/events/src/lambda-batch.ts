import { type Message, type MessageAttributeValue, SendMessageCommand } from '@aws-sdk/client-sqs';
import { isOutage } from '@queue-manager/service-kit/problems';
import { createQueueUrls } from './client.ts';
import { type ConsumerOptions, createMessageHandler, PermanentFailure } from './consume.ts';
import { labelOf } from './read-event.ts';

/** The longest that SQS allows. */
const outageDelaySeconds = 900;
/** Attribute of a message: how often an outage has postponed it. */
const outagesName = 'outages';
/** A day of outages. */
const outagesMax = 96;

/** What Lambda passes of a message. */
export type LambdaRecord = {
  messageId: string;
  body: string;
  attributes: { ApproximateReceiveCount: string };
  messageAttributes: Record<
    string,
    { dataType: string; stringValue?: string; binaryValue?: string }
  >;
};

export type LambdaBatch = (event: {
  Records: LambdaRecord[];
}) => Promise<{ batchItemFailures: { itemIdentifier: string }[] }>;

/**
 * Handles the messages that Lambda receives from a queue, as `createConsumer` does, and returns those that failed, which
 * SQS delivers again. After the last delivery, a message goes to the dead-letter queue with the error. An outage is not a
 * bad message: Lambda cannot stop receiving, so a message whose last delivery meets one is sent anew, for later.
 */
export function createLambdaBatch(
  options: Pick<
    ConsumerOptions,
    'sqs' | 'prefix' | 'queue' | 'handlers' | 'onDeadLetter' | 'clock' | 'logger'
  >,
): LambdaBatch {
  const { sqs, prefix, queue } = options;
  const logger = options.logger.child({ queue });
  const queueUrlOf = createQueueUrls(sqs, prefix);
  const { deliveryOf, workOf, copyToDeadLetters } = createMessageHandler(options);

  const postpone = async (message: Message, outages: number) => {
    await sqs.send(
      new SendMessageCommand({
        QueueUrl: await queueUrlOf(queue),
        MessageBody: message.Body,
        MessageAttributes: {
          ...message.MessageAttributes,
          [outagesName]: { DataType: 'Number', StringValue: String(outages) },
        },
        DelaySeconds: outageDelaySeconds,
      }),
    );
  };

  /** Returns whether the message is done with: then Lambda deletes it. */
  const isDone = async (message: Message): Promise<boolean> => {
    const { receives, isLast } = deliveryOf(message);
    const label = { ...labelOf(message.Body), messageId: message.MessageId, receives };
    try {
      await workOf(message)();
      return true;
    } catch (error) {
      const isPermanent = error instanceof PermanentFailure;
      if (!isLast && !isPermanent) {
        logger.warn({ ...label, err: error }, 'failed: will be retried');
        return false;
      }
      const outages = 1 + Number(message.MessageAttributes?.[outagesName]?.StringValue ?? 0);
      try {
        if (!isPermanent && isOutage(error) && outages <= outagesMax) {
          logger.warn({ ...label, err: error }, 'failed by an outage: postponed');
          await postpone(message, outages);
        } else {
          logger.error({ ...label, err: error }, 'failed for the last time: becomes a dead letter');
          await copyToDeadLetters(message, error);
        }
        return true;
      } catch (cause) {
        logger.warn({ ...label, err: cause }, 'could not be moved: released');
        return false;
      }
    }
  };

  return async ({ Records: records }) => {
    const done = await Promise.all(records.map((record) => isDone(messageOf(record))));
    const failed = records.filter((_, at) => !done[at]);
    return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
  };
}

/** A record of Lambda as the message that SQS delivers to others. */
function messageOf({ messageId, body, attributes, messageAttributes }: LambdaRecord): Message {
  return {
    MessageId: messageId,
    Body: body,
    Attributes: { ApproximateReceiveCount: attributes.ApproximateReceiveCount },
    MessageAttributes: Object.fromEntries(
      Object.entries(messageAttributes).map(([name, value]): [string, MessageAttributeValue] => [
        name,
        value.binaryValue === undefined
          ? { DataType: value.dataType, StringValue: value.stringValue }
          : { DataType: value.dataType, BinaryValue: Buffer.from(value.binaryValue, 'base64') },
      ]),
    ),
  };
}
