import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  type Message,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { Timestamp } from '@queue-manager/contracts/values';
import { createDeadLetterUrls, createQueueUrls } from './client.ts';
import { failureOf, withoutFailure } from './dead-letter.ts';
import { type EventLabel, labelOf } from './read-event.ts';
import { isFifo, type QueueName, queues } from './topology.ts';

/** A message that failed for good. */
export type DeadLetter = EventLabel & {
  messageId: string;
  /** Time of the event, or, when unreadable, when the message was sent. */
  since: Date;
  /** Number of deliveries. */
  receives: number;
  /** Undefined when SQS moved it, since no consumer finished it. */
  failure: { error: string; failedAt: string } | undefined;
  body: string;
};

type DeadLetters = {
  /** The number of dead letters, including hidden ones. */
  count(queue: QueueName): Promise<number>;
  /**
   * Reads up to `most` dead letters. Hides each from other readers for at least `hiddenSeconds`, and leaves out
   * those that another reader has hidden.
   */
  read(queue: QueueName, options: { most: number; hiddenSeconds: number }): Promise<DeadLetter[]>;
  /**
   * Sends dead letters back to their queue, with their original attributes: all that are present at the start, or
   * those with a message or event id in `ids`. Each is deleted after SQS has accepted it, so that a crash in
   * between duplicates it and never loses it.
   */
  redrive(queue: QueueName, options?: RedriveOptions): Promise<Redriven>;
  /** Deletes all dead letters of a queue. */
  purge(queue: QueueName): Promise<void>;
};

type RedriveOptions = {
  ids?: readonly string[];
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
};
type Redriven = {
  sent: number;
  missing: string[];
  refused: { count: number; reason: string };
};

const batchSizeMax = 10;
/** Stop after this many receives in a row without new messages: other readers hold the remaining ones. */
const emptyReceivesMax = 3;
const redriveHiddenSeconds = 60;

/** Operations on dead letters, for operators and the watch. All throw the errors of SQS. */
export function createDeadLetters(options: { sqs: SQSClient; prefix: string }): DeadLetters {
  const { sqs, prefix } = options;
  const deadLetterUrlOf = createDeadLetterUrls(sqs, prefix);
  const queueUrlOf = createQueueUrls(sqs, prefix);

  const count = async (queue: QueueName) => {
    const { Attributes = {} } = await sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: await deadLetterUrlOf(queue),
        AttributeNames: [
          'ApproximateNumberOfMessages',
          'ApproximateNumberOfMessagesNotVisible',
          'ApproximateNumberOfMessagesDelayed',
        ],
      }),
    );
    return Object.values(Attributes).reduce((sum, value) => sum + Number(value), 0);
  };

  const receive = async (QueueUrl: string, hiddenSeconds: number, waitSeconds: number) => {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: batchSizeMax,
        VisibilityTimeout: hiddenSeconds,
        WaitTimeSeconds: waitSeconds,
        MessageSystemAttributeNames: ['SentTimestamp'],
        MessageAttributeNames: ['All'],
      }),
    );
    return Messages;
  };

  /** Makes messages visible again after a second. Not at once: fauxqs, the local emulator, would lose them. */
  const release = async (QueueUrl: string, messages: readonly Message[]) => {
    for (const entries of inBatches(messages)) {
      await sqs.send(
        new ChangeMessageVisibilityBatchCommand({
          QueueUrl,
          Entries: entries.map((entry) => ({ ...entry, VisibilityTimeout: 1 })),
        }),
      );
    }
  };

  return {
    count,

    async read(queue, { most, hiddenSeconds }) {
      const QueueUrl = await deadLetterUrlOf(queue);
      const wanted = Math.min(most, await count(queue));
      const found = new Map<string, Message>();
      for (let empty = 0; found.size < wanted && empty < emptyReceivesMax; ) {
        const before = found.size;
        // Long polling queries all servers of SQS, short polling only some.
        const messages = await receive(QueueUrl, hiddenSeconds, 1);
        for (const message of messages) found.set(message.MessageId ?? '', message);
        empty = found.size === before ? empty + 1 : 0;
      }
      await release(QueueUrl, [...found.values()]);
      return [...found.values()].slice(0, most).map((message) => deadLetterOf(queue, message));
    },

    async redrive(queue, { ids, onProgress, signal } = {}) {
      const QueueUrl = await deadLetterUrlOf(queue);
      const queueUrl = await queueUrlOf(queue);
      const present = await count(queue);
      const missing = new Set(ids);
      const total = ids === undefined ? present : missing.size;
      const kept: Message[] = [];
      let sent = 0;
      let refused = { count: 0, reason: '' };
      let empty = 0;
      onProgress?.(0, total);

      const isWanted = (message: Message) => {
        if (ids === undefined) return true;
        const { eventId = '' } = labelOf(message.Body);
        return missing.has(message.MessageId ?? '') || missing.has(eventId);
      };
      const sendBack = async (message: Message) => {
        try {
          await sqs.send(
            new SendMessageCommand({ QueueUrl: queueUrl, ...withoutFailure(queue, message) }),
          );
          return true;
        } catch (error) {
          refused = { count: refused.count + 1, reason: (error as Error).message };
          kept.push(message);
          return false;
        }
      };

      try {
        // A message that fails again at once comes back here. Counting prevents an endless loop.
        while (
          sent + kept.length < present &&
          (ids === undefined || missing.size > 0) &&
          empty < emptyReceivesMax &&
          !signal?.aborted
        ) {
          const messages = await receive(QueueUrl, redriveHiddenSeconds, 2);
          empty = messages.length === 0 ? empty + 1 : 0;
          const wanted = messages.filter(isWanted);
          kept.push(...messages.filter((message) => !wanted.includes(message)));
          const taken: Message[] = [];
          const takeBack = async (message: Message) => {
            if (await sendBack(message)) taken.push(message);
          };
          if (isFifo(queue)) for (const message of wanted) await takeBack(message);
          else await Promise.all(wanted.map(takeBack));
          for (const Entries of inBatches(taken)) {
            await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
          }
          for (const message of wanted) {
            missing.delete(message.MessageId ?? '');
            missing.delete(labelOf(message.Body).eventId ?? '');
          }
          sent += taken.length;
          if (wanted.length > 0) onProgress?.(sent, total);
        }
      } finally {
        await release(QueueUrl, kept);
      }
      return { sent, missing: [...missing], refused };
    },

    async purge(queue) {
      await sqs.send(new PurgeQueueCommand({ QueueUrl: await deadLetterUrlOf(queue) }));
    },
  };
}

function deadLetterOf(queue: QueueName, message: Message): DeadLetter {
  const failure = failureOf(message);
  return {
    ...labelOf(message.Body),
    messageId: message.MessageId ?? '',
    since: timeIn(message.Body) ?? new Date(Number(message.Attributes?.SentTimestamp)),
    receives: failure?.receives ?? queues[queue].maxReceiveCount,
    failure: failure && { error: failure.error, failedAt: failure.failedAt },
    body: message.Body ?? '',
  };
}

function timeIn(body: string | undefined): Date | undefined {
  try {
    const { time } = JSON.parse(body ?? '') as { time?: unknown };
    const parsed = Timestamp.safeParse(time);
    return parsed.success ? new Date(parsed.data) : undefined;
  } catch {
    return undefined;
  }
}

function* inBatches(messages: readonly Message[]) {
  for (let start = 0; start < messages.length; start += batchSizeMax) {
    yield messages
      .slice(start, start + batchSizeMax)
      .map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
  }
}
