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
import { type QueueName, queues } from './topology.ts';

/** A message that a queue's consumer gave up. */
export type DeadLetter = EventLabel & {
  messageId: string;
  /** When its event happened, or, where that cannot be read, when it was sent here. */
  since: Date;
  /** How often it was delivered. */
  receives: number;
  /** Undefined when SQS moved it by itself, since nobody finished it. */
  failure: { error: string; failedAt: string } | undefined;
  body: string;
};

export type DeadLetters = {
  /** How many there are, those included that are hidden just now. */
  count(queue: QueueName): Promise<number>;
  /**
   * Reads up to `most` of them, each hidden from other readers for at least `hiddenSeconds` meanwhile.
   * Those that another reader holds are left out.
   */
  read(queue: QueueName, options: { most: number; hiddenSeconds: number }): Promise<DeadLetter[]>;
  /**
   * Sends them back to their queue with the attributes they had before they failed: all that are there when
   * it begins, or those that `ids` names by message or event. Each is deleted after SQS has taken it, so that a crash in
   * between leaves two and never none. Resolves with how many went back, the ids that were not found, and
   * the reason why others stay. Throws what SQS throws when it is away.
   */
  redrive(queue: QueueName, options?: RedriveOptions): Promise<Redriven>;
  /** Deletes all of them. */
  purge(queue: QueueName): Promise<void>;
};

export type RedriveOptions = {
  ids?: readonly string[];
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
};
export type Redriven = {
  sent: number;
  missing: string[];
  refused: { count: number; reason: string };
};

const batchSizeMax = 10;
/** After as many receives in a row that bring nothing new, the rest is left to whoever holds it. */
const emptyReceivesMax = 3;
const redriveHiddenSeconds = 60;

/** What operators and the watch do with dead letters. Every function throws what SQS throws. */
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

  /** To be seen by others again in a second; sooner would lose them in fauxqs, the local stand-in. */
  const giveBack = async (QueueUrl: string, messages: readonly Message[]) => {
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
        // A receive that waits asks all of SQS's servers, one that does not only some.
        const messages = await receive(QueueUrl, hiddenSeconds, 1);
        for (const message of messages) found.set(message.MessageId ?? '', message);
        empty = found.size === before ? empty + 1 : 0;
      }
      await giveBack(QueueUrl, [...found.values()]);
      return [...found.values()].slice(0, most).map((message) => deadLetterOf(queue, message));
    },

    async redrive(queue, { ids, onProgress, signal } = {}) {
      const QueueUrl = await deadLetterUrlOf(queue);
      const backUrl = await queueUrlOf(queue);
      const present = await count(queue);
      const missing = new Set(ids);
      const total = ids === undefined ? present : missing.size;
      const passedOver: Message[] = [];
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
          await sqs.send(new SendMessageCommand({ QueueUrl: backUrl, ...withoutFailure(message) }));
          return true;
        } catch (error) {
          refused = { count: refused.count + 1, reason: (error as Error).message };
          passedOver.push(message);
          return false;
        }
      };

      try {
        // What fails again at once comes back here; counting keeps that from going round for ever.
        while (
          sent + passedOver.length < present &&
          (ids === undefined || missing.size > 0) &&
          empty < emptyReceivesMax &&
          !signal?.aborted
        ) {
          const messages = await receive(QueueUrl, redriveHiddenSeconds, 2);
          empty = messages.length === 0 ? empty + 1 : 0;
          const wanted = messages.filter(isWanted);
          passedOver.push(...messages.filter((message) => !wanted.includes(message)));
          const taken: Message[] = [];
          await Promise.all(
            wanted.map(async (message) => {
              if (await sendBack(message)) taken.push(message);
            }),
          );
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
        await giveBack(QueueUrl, passedOver);
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
