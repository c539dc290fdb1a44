import { setTimeout as delay } from 'node:timers/promises';
import {
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  type Message,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { Event, EventOf, EventType } from '@queue-manager/contracts/events';
import type { Logger } from '@queue-manager/service-kit/logging';
import { isOutage } from '@queue-manager/service-kit/problems';
import { Consumer as Poller } from 'sqs-consumer';
import { backoffMs } from './backoff.ts';
import { createQueueUrls } from './client.ts';
import { BadMessage, labelOf, readEvent } from './read-event.ts';
import { createStoreGate, type StoreGate } from './store-gate.ts';
import { type QueueName, queues } from './topology.ts';

/** One handler a type. An event may come twice and in any order; a handler that throws gets it again. */
export type Handlers = { [T in EventType]?: (event: EventOf<T>) => Promise<void> };

export type Consumer = {
  /** Begins to receive, as soon as SQS and the queue are there. */
  start(): Promise<void>;
  /** Receives no more, and resolves when everything it held is finished or given back. */
  stop(): Promise<void>;
};

export type ConsumerOptions = {
  sqs: SQSClient;
  prefix: string;
  queue: QueueName;
  handlers: Handlers;
  logger: Logger;
  /** Handlers at work at once, 10 by default. Above 10, in steps of 10. */
  concurrency?: number;
  /**
   * Resolves when the handlers' own store can be used. With it, a handler's outage (`isOutage`) pauses the
   * consumer until the store is back; without it an outage is a failure like any other.
   */
  ready?: () => Promise<unknown>;
};

const batchSizeMax = 10;
const heartbeatMs = 10_000;
/** How long a handled message may wait to be deleted together with the others of its batch. */
const sweepMs = 1_000;
/**
 * How long a message stays hidden after its first and second failure, and after anything else. Never 0: the
 * local stand-in for SQS, fauxqs, loses a message whose visibility is set to that while it is persistent.
 */
const retryDelaysSeconds = [1, 5];
const giveBackDelaySeconds = 1;
/** Outages in a row of one message with `ready` saying otherwise, after which it is the message's own fault. */
const outagesMax = 5;

/**
 * Consumes a queue: batches by long polling, each message's event validated by its contract and given to the
 * handler of its type, with the message hidden from others for as long as that takes. Only what was handled
 * is deleted. What failed, or was no event at all, is given back with a growing delay, and SQS moves it to
 * the dead-letter queue after its third delivery; it holds up nothing behind it.
 *
 * While the handlers' store is away, nothing is received, and what is held is kept and tried again when the
 * store is back. It is kept rather than given back because every further delivery is one of the three, and
 * other instances, whose store is away as well, would use them up.
 */
export function createConsumer(options: ConsumerOptions): Consumer {
  let run: { stop(): Promise<void> } | undefined;
  return {
    async start() {
      run ??= startRun(options);
    },
    async stop() {
      const stopped = run?.stop();
      run = undefined;
      await stopped;
    },
  };
}

function startRun(options: ConsumerOptions): { stop(): Promise<void> } {
  const { sqs, queue, handlers, ready, concurrency = batchSizeMax } = options;
  const { visibilityTimeoutSeconds, waitSeconds, maxReceiveCount } = queues[queue];
  const logger = options.logger.child({ queue });
  const queueUrlOf = createQueueUrls(sqs, options.prefix);
  const stopping = new AbortController();
  const { signal } = stopping;
  const gate: StoreGate | undefined = ready && createStoreGate({ ready, logger, signal });
  const pollers: Poller[] = [];
  /** Requests in a row that SQS did not answer: one outage, logged once. */
  let failures = 0;

  const answered = () => {
    if (failures > 0) logger.info('SQS answers again');
    failures = 0;
  };
  const unanswered = (error: unknown) => {
    if (signal.aborted) return;
    failures += 1;
    if (failures === 1) logger.warn({ err: error }, 'SQS does not answer: trying until it does');
  };

  const handle = async (message: Message) => {
    const event = readEvent(message.Body);
    const handler = handlers[event.type] as ((event: Event) => Promise<void>) | undefined;
    if (handler === undefined) throw new BadMessage('is of a type that this queue does not take');
    for (let outages = 0; ; ) {
      await gate?.passed();
      try {
        return await handler(event);
      } catch (error) {
        outages += 1;
        if (gate === undefined || outages === outagesMax || !isOutage(error)) throw error;
        gate.shut(error);
      }
    }
  };

  /** Handles a batch; resolves with those that are handled and still to be deleted. */
  const handleBatch = async (queueUrl: string, messages: Message[]): Promise<Message[]> => {
    const held = new Set(messages);
    let handled: Message[] = [];
    let heartbeat: Promise<unknown> = Promise.resolve();
    let deletion: Promise<unknown> = Promise.resolve();

    const entriesOf = (batch: Iterable<Message>) =>
      Array.from(batch, ({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
    const keep = () =>
      sqs.send(
        new ChangeMessageVisibilityBatchCommand({
          QueueUrl: queueUrl,
          Entries: entriesOf(held).map((entry) => ({
            ...entry,
            VisibilityTimeout: visibilityTimeoutSeconds,
          })),
        }),
      );
    const beating = setInterval(() => {
      if (held.size > 0) heartbeat = keep().catch(unanswered);
    }, heartbeatMs);
    const sweeping = setInterval(() => {
      if (handled.length === 0) return;
      const Entries = entriesOf(handled);
      handled = [];
      deletion = sqs
        .send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }))
        .catch((error: unknown) => logger.warn({ err: error }, 'handled, but not deleted'));
    }, sweepMs);

    const giveBack = async (message: Message, error: unknown) => {
      const receives = Number(message.Attributes?.ApproximateReceiveCount);
      const label = { ...labelOf(message.Body), messageId: message.MessageId, receives };
      const isLast = receives >= maxReceiveCount;
      let VisibilityTimeout = giveBackDelaySeconds;
      if (signal.aborted && error === signal.reason) {
        logger.info(label, 'given back: stopped while the store is away');
      } else if (isLast) {
        logger.error({ ...label, err: error }, 'failed for the last time: a dead letter');
      } else {
        VisibilityTimeout = retryDelaysSeconds[receives - 1] ?? giveBackDelaySeconds;
        logger.warn({ ...label, err: error }, 'failed: will be tried again');
      }
      // A heartbeat that is under way would hide the message again.
      await heartbeat;
      await sqs
        .send(
          new ChangeMessageVisibilityCommand({
            QueueUrl: queueUrl,
            ReceiptHandle: message.ReceiptHandle,
            VisibilityTimeout,
          }),
        )
        .catch(unanswered);
    };

    try {
      await Promise.all(
        messages.map(async (message) => {
          try {
            await handle(message);
            held.delete(message);
            handled.push(message);
          } catch (error) {
            held.delete(message);
            await giveBack(message, error);
          }
        }),
      );
    } finally {
      clearInterval(beating);
      clearInterval(sweeping);
    }
    await deletion;
    return handled;
  };

  const createPoller = (queueUrl: string) => {
    const poller = Poller.create({
      sqs,
      queueUrl,
      batchSize: Math.min(batchSizeMax, concurrency),
      waitTimeSeconds: waitSeconds,
      visibilityTimeout: visibilityTimeoutSeconds,
      messageSystemAttributeNames: ['ApproximateReceiveCount'],
      // Back-off is ours, below.
      authenticationErrorTimeout: 0,
      preReceiveMessageCallback: async () => {
        if (failures > 0) await delay(backoffMs(failures), undefined, { signal });
        await gate?.passed();
      },
      postReceiveMessageCallback: async () => answered(),
      handleMessageBatch: (messages) => handleBatch(queueUrl, messages),
    });
    poller.on('error', (error, messages) => {
      if (messages === undefined) unanswered(error);
      else logger.warn({ err: error }, 'handled, but not deleted');
    });
    return poller;
  };

  const open = async () => {
    let queueUrl: string | undefined;
    while (queueUrl === undefined && !signal.aborted) {
      try {
        queueUrl = await queueUrlOf(queue);
      } catch (error) {
        unanswered(error);
        await delay(backoffMs(failures), undefined, { signal }).catch(() => undefined);
      }
    }
    if (queueUrl === undefined || signal.aborted) return;
    answered();
    const pollerCount = Math.max(1, Math.floor(concurrency / batchSizeMax));
    for (let made = 0; made < pollerCount; made++) pollers.push(createPoller(queueUrl));
    for (const poller of pollers) poller.start();
  };
  const opened = open();

  return {
    async stop() {
      stopping.abort();
      await opened;
      for (const poller of pollers) poller.stop();
      // A receive under way is not cut off: SQS might give its messages to the closed connection.
      while (pollers.some((poller) => poller.status.isPolling)) await delay(10);
    },
  };
}
