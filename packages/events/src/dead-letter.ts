import type { Message, MessageAttributeValue } from '@aws-sdk/client-sqs';
import { failureText } from './failure-text.ts';

type Attributes = Record<string, MessageAttributeValue>;

/** What the consumer writes on a message that it gives up. */
export type Failure = {
  /** In words without personal data. */
  error: string;
  failedAt: string;
  /** How often it was delivered. */
  receives: number;
};

const failureNames = ['error', 'failedAt', 'receives'] satisfies (keyof Failure)[];
/** SQS's limit of a message. */
const attributesMax = 10;

/** A message's body and attributes with the failure written beside them, to be sent to a dead-letter queue. */
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

/** A dead letter's body and attributes as they were before it failed, to be sent back to its queue. */
export function withoutFailure(message: Message): {
  MessageBody: string | undefined;
  MessageAttributes: Attributes;
} {
  return {
    MessageBody: message.Body,
    MessageAttributes: ownAttributes(message, attributesMax),
  };
}

/** What a consumer wrote on a dead letter; undefined when SQS moved it by itself, since nobody finished it. */
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
      // Received, they also have lists, which SQS does not take.
      .map(([name, { DataType, StringValue, BinaryValue }]) => [
        name,
        BinaryValue === undefined ? { DataType, StringValue } : { DataType, BinaryValue },
      ]),
  );
}
