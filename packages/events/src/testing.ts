import {
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  type Message,
  type MessageAttributeValue,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { type EventOf, makeEvent } from '@queue-manager/contracts/events';
import { systemClock } from '@queue-manager/service-kit/clock';
import { newId } from '@queue-manager/service-kit/ids';
import { testEnv, uniqueName } from '@queue-manager/service-kit/testing';
import { createSqsClient } from './client.ts';
import { type AlertLedger, alertRepeatMs, claimMs } from './dead-letter-watch.ts';
import { provisionQueues } from './provision.ts';
import { brokerName, deadLetterName, isFifo, type QueueName, queueNames } from './topology.ts';

export type TestQueues = {
  sqs: SQSClient;
  prefix: string;
  /** Sends any body to a queue. */
  send(queue: QueueName, body: string): Promise<void>;
  /** The number of messages in a queue, visible or hidden. */
  count(queue: QueueName): Promise<number>;
  /** Receives up to ten dead letters of a queue, and so hides them. */
  deadLetters(queue: QueueName): Promise<Message[]>;
  /** Sends a message to a queue's dead-letter queue, as if SQS had moved it. */
  sendDead(
    queue: QueueName,
    body: string,
    attributes?: Record<string, MessageAttributeValue>,
  ): Promise<string>;
  /** Receives up to ten visible messages, and so hides them. */
  receive(queue: QueueName): Promise<Message[]>;
  drop(): Promise<void>;
};

/** Counts the receives of each message through a client, by message id. */
export function countReceives(sqs: SQSClient): Map<string, number> {
  const receives = new Map<string, number>();
  sqs.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { Messages = [] } = result.output as { Messages?: { MessageId: string }[] };
      for (const { MessageId } of Messages)
        receives.set(MessageId, (receives.get(MessageId) ?? 0) + 1);
      return result;
    },
    { step: 'initialize' },
  );
  return receives;
}

/** A ledger for watches in one process. */
export function createMemoryLedger(): AlertLedger {
  /** When the next claim succeeds, in epoch milliseconds. */
  const taken = new Map<QueueName, number>();
  return {
    async claim(queue, now) {
      if (now.getTime() < (taken.get(queue) ?? 0)) return false;
      taken.set(queue, now.getTime() + claimMs);
      return true;
    },
    async raised(queue, now) {
      taken.set(queue, now.getTime() + alertRepeatMs);
    },
    async emptied(queue) {
      taken.delete(queue);
    },
  };
}

function fifoFields(queue: QueueName, MessageGroupId: string) {
  return isFifo(queue) ? { MessageGroupId, MessageDeduplicationId: uniqueName('test') } : {};
}

/** The queues of the topology with a unique prefix, at `AWS_ENDPOINT_URL_SQS`. */
export async function testQueues(): Promise<TestQueues> {
  testEnv('AWS_ENDPOINT_URL_SQS');
  const sqs = createSqsClient();
  const prefix = `${uniqueName('test')}-`;
  await provisionQueues(sqs, { prefix });

  const urlOf = async (name: string) =>
    (await sqs.send(new GetQueueUrlCommand({ QueueName: name }))).QueueUrl as string;
  const receiveFrom = async (name: string) => {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: await urlOf(name),
        MaxNumberOfMessages: 10,
        WaitTimeSeconds: 0,
        // Longer than any test takes: with the queue's own, they come back during a slow one.
        VisibilityTimeout: 3_600,
        MessageSystemAttributeNames: ['ApproximateReceiveCount'],
        MessageAttributeNames: ['All'],
      }),
    );
    return Messages;
  };
  return {
    sqs,
    prefix,
    async send(queue, body) {
      const QueueUrl = await urlOf(brokerName(prefix, queue));
      await sqs.send(
        new SendMessageCommand({ QueueUrl, MessageBody: body, ...fifoFields(queue, 'test') }),
      );
    },
    async sendDead(queue, body, attributes = {}) {
      const QueueUrl = await urlOf(deadLetterName(prefix, queue));
      const { MessageId } = await sqs.send(
        new SendMessageCommand({
          QueueUrl,
          MessageBody: body,
          MessageAttributes: attributes,
          ...fifoFields(queue, uniqueName('test')),
        }),
      );
      return MessageId as string;
    },
    async count(queue) {
      const { Attributes } = await sqs.send(
        new GetQueueAttributesCommand({
          QueueUrl: await urlOf(brokerName(prefix, queue)),
          AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
        }),
      );
      const { ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible } =
        Attributes ?? {};
      return Number(ApproximateNumberOfMessages) + Number(ApproximateNumberOfMessagesNotVisible);
    },
    deadLetters: (queue) => receiveFrom(deadLetterName(prefix, queue)),
    receive: (queue) => receiveFrom(brokerName(prefix, queue)),
    async drop() {
      for (const queue of queueNames) {
        for (const name of [brokerName(prefix, queue), deadLetterName(prefix, queue)]) {
          await sqs.send(new DeleteQueueCommand({ QueueUrl: await urlOf(name) }));
        }
      }
      sqs.destroy();
    },
  };
}

/** An event for the FIFO queue of contacts. */
export function contactAdded(): EventOf<'contact.added'> {
  const id = newId(systemClock);
  const time = systemClock.now().toISOString();
  return makeEvent({
    id,
    source: '/forwarder',
    type: 'contact.added',
    subject: id,
    time,
    data: {
      ...{ userId: id, name: 'Ana 🎉', email: 'ana@example.com', locale: 'pt' },
      ...{ createdAt: time, verifiedAt: time },
    },
  });
}
