import type { Message, MessageAttributeValue } from '@aws-sdk/client-sqs';
import { failureText } from './failure-text.ts';

type Attributes = Record<string, MessageAttributeValue>;

/** What the consumer adds to a message that failed for good. */
export type Failure = {
  /** Without personal data. */
  error: string;
  failedAt: string;
  /** Number of deliveries. */
  receives: number;
};

const failureNames = ['error', 'failedAt', 'receives'] satisfies (keyof Failure)[];
/** The limit of SQS. */
const attributesMax = 10;

/** A message to send to the dead-letter queue: the original's body and attributes, and the failure. */
export function withFailure(
  message: Message,
  failure: { error: unknown; failedAt: Date; receives: number },
): { MessageBody: string | undefined; MessageAttributes: Attributes } {
  const text = (StringValue: string) => ({ DataType: 'String', StringValue });
  return {
    MessageBody: message.Body,
    MessageAttributes: {
      ...ownAttributes(message, attributesMax - failureNames.length),
      error: text(failureText(failure.error)),
      failedAt: text(failure.failedAt.toISOString()),
      receives: { DataType: 'Number', StringValue: String(failure.receives) },
    },
  };
}

/** A message to send back to its queue: a dead letter's body and attributes without the failure. */
export function withoutFailure(message: Message): {
  MessageBody: string | undefined;
  MessageAttributes: Attributes;
} {
  return {
    MessageBody: message.Body,
    MessageAttributes: ownAttributes(message, attributesMax),
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
