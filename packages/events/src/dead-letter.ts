import type { Message, MessageAttributeValue, SendMessageCommandInput } from '@aws-sdk/client-sqs';
import { failureText } from './failure-text.ts';
import { BadMessage, readEvent } from './read-event.ts';
import { fifoGroups, isFifo, type QueueName } from './topology.ts';

type Attributes = Record<string, MessageAttributeValue>;

/** What the consumer adds to a message that failed for good. */
type Failure = {
  /** Without personal data. */
  error: string;
  failedAt: string;
  /** Number of deliveries. */
  receives: number;
};

const failureNames = ['error', 'failedAt', 'receives'] satisfies (keyof Failure)[];
/** The limit of SQS. */
const attributesMax = 10;

type Copy = Omit<SendMessageCommandInput, 'QueueUrl'>;

/**
 * A message to send to the dead-letter queue: the original's body and attributes, and the failure. Dead letters of a
 * FIFO queue are groups of their own, so that a reader of one does not hide the others.
 */
export function withFailure(
  queue: QueueName,
  message: Message,
  failure: { error: unknown; failedAt: Date; receives: number },
): Copy {
  const text = (StringValue: string) => ({ DataType: 'String', StringValue });
  return {
    MessageBody: message.Body,
    MessageAttributes: {
      ...ownAttributes(message, attributesMax - failureNames.length),
      error: text(failureText(failure.error)),
      failedAt: text(failure.failedAt.toISOString()),
      receives: { DataType: 'Number', StringValue: String(failure.receives) },
    },
    ...(isFifo(queue)
      ? { MessageGroupId: message.MessageId, MessageDeduplicationId: message.MessageId }
      : {}),
  };
}

/** A message to send back to its queue: a dead letter's body and attributes without the failure. */
export function withoutFailure(queue: QueueName, message: Message): Copy {
  return {
    MessageBody: message.Body,
    MessageAttributes: ownAttributes(message, attributesMax),
    // The event's id would make SQS drop a message that is sent again within five minutes.
    ...(isFifo(queue)
      ? {
          MessageGroupId: groupOf(queue, message),
          MessageDeduplicationId: `redrive-${message.MessageId}`,
        }
      : {}),
  };
}

/** The failure of a dead letter; undefined when SQS moved it, since no consumer finished it. */
export function failureOf({ MessageAttributes = {} }: Message): Failure | undefined {
  const [error, failedAt, receives] = failureNames.map(
    (name) => MessageAttributes[name]?.StringValue,
  );
  if (error === undefined || failedAt === undefined) return undefined;
  return { error, failedAt, receives: Number(receives) };
}

function groupOf(queue: keyof typeof fifoGroups, message: Message): string {
  try {
    return fifoGroups[queue](readEvent(message.Body));
  } catch (error) {
    if (!(error instanceof BadMessage)) throw error;
    return 'unreadable';
  }
}

function ownAttributes({ MessageAttributes = {} }: Message, most: number): Attributes {
  return Object.fromEntries(
    Object.entries(MessageAttributes)
      .filter(([name]) => !(failureNames as string[]).includes(name))
      .slice(0, most)
      // Received attributes also have list fields, which SQS rejects when sent.
      .map(([name, { DataType, StringValue, BinaryValue }]) => [
        name,
        BinaryValue === undefined ? { DataType, StringValue } : { DataType, BinaryValue },
      ]),
  );
}
