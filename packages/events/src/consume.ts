import { setTimeout as delay } from 'node:timers/promises';
import {
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  type Message,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { Event, EventOf, EventType } from '@queue-manager/contracts/events';
import { backoffMs } from '@queue-manager/service-kit/backoff';
import { type Clock, systemClock } from '@queue-manager/service-kit/clock';
import type { Logger } from '@queue-manager/service-kit/logging';
import { isOutage } from '@queue-manager/service-kit/problems';
import { runInContext } from '@queue-manager/service-kit/request-context';
import { Consumer as Poller } from 'sqs-consumer';
import { carriedBy } from './carried.ts';
import { createDeadLetterUrls, createQueueUrls } from './client.ts';
import { withFailure } from './dead-letter.ts';
import { BadMessage, labelOf, readEvent } from './read-event.ts';
import { createStoreGate, type StoreGate } from './store-gate.ts';
import { type QueueName, queues } from './topology.ts';

/** What a handler may know of the message that brought its event. */
export type Delivery = {
  /** How often the message was delivered, this time included. */
  receives: number;
  /** Whether a failure now is the last one. */
  isLast: boolean;
  /** The request that led to the event, where its publisher knew it. */
  requestId: string | undefined;
  /** W3C Trace Context of what led to the event, where its publisher knew it. */
  traceparent: string | undefined;
};

export type Handler<T extends EventType> = (event: EventOf<T>, delivery: Delivery) => Promise<void>;

/** One handler a type. An event may come twice and in any order; a handler that throws gets it again. */
export type Handlers = { [T in EventType]?: Handler<T> };

/**
 * Thrown by a handler when no further try can help: the message becomes a dead letter at once. Its message
 * is for managers and operators to read and must hold no personal data.
 */
export class PermanentFailure extends Error {
  override readonly name = 'PermanentFailure';
}

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
  /** Handlers at work at once, 10 by default. */
  concurrency?: number;
  /**
   * Resolves when the handlers' own store can be used. With it, a handler's outage (`isOutage`) pauses the
   * consumer until the store is back; without it an outage is a failure like any other.
   */
  ready?: () => Promise<unknown>;
  /**
   * Called for an event that is given up, before its message goes to the dead-letter queue: at the last
   * failure, or at a `PermanentFailure`. May be called twice for an event. When it throws, the message is
   * delivered again, or after the last delivery moved by SQS, without the error.
   */
  onDeadLetter?: (event: Event, error: unknown) => Promise<void>;
  /**
   * How long a message stays hidden after its handler's first, second, ... failure; 1 s and 5 s by default,
   * never 0. Messages that are no events go by the default.
   */
  retryDelaysSeconds?: readonly number[];
  clock?: Clock;
};

const batchSizeMax = 10;
const heartbeatMs = 10_000;
/**
 * How long a batch is waited for before the next one is received beside it. Most are handled by then, so that
 * receives stay few and large.
 */
const batchUsuallyMs = 100;
/** How long a handled message may wait to be deleted together with the others of its batch. */
const sweepMs = 1_000;
const usualRetryDelaysSeconds = [1, 5];
/**
 * How long a message stays hidden that is given back for another reason than a failure. Never 0: the local
 * stand-in for SQS, fauxqs, loses a message whose visibility is set to that while it is persistent.
 */
const giveBackDelaySeconds = 1;
/** Outages in a row of one message with `ready` saying otherwise, after which it is the message's own fault. */
const outagesMax = 5;

/**
 * Consumes a queue: batches by long polling, each message's event validated by its contract and given to the
 * handler of its type, with the message hidden from others for as long as that takes. Receiving goes on beside
 * slow handlers while fewer than `concurrency` are at work. Only what was handled is deleted. What failed, or
 * was no event at all, is given back with a growing delay; it holds up nothing behind it. After its third
 * delivery it goes to the dead-letter queue, with the error written on it: the copy is sent before the original
 * is deleted, so that a crash in between leaves two and never none. What nobody finished, since its consumer
 * was killed each time, is moved there by SQS, without an error.
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
  const { sqs, prefix, queue, handlers, ready, onDeadLetter } = options;
  const { concurrency = batchSizeMax, clock = systemClock } = options;
  const { retryDelaysSeconds = usualRetryDelaysSeconds } = options;
  const { visibilityTimeoutSeconds, waitSeconds, maxReceiveCount } = queues[queue];
  const logger = options.logger.child({ queue });
  const queueUrlOf = createQueueUrls(sqs, prefix);
  const deadLetterUrlOf = createDeadLetterUrls(sqs, prefix);
  const stopping = new AbortController();
  const { signal } = stopping;
  const gate: StoreGate | undefined = ready && createStoreGate({ ready, logger, signal });
  const pollers: Poller[] = [];
  const batches = new Set<Promise<unknown>>();
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

  const deliveryOf = (message: Message): Delivery => {
    const receives = Number(message.Attributes?.ApproximateReceiveCount);
    const { requestId, traceparent } = carriedBy(message);
    return { receives, isLast: receives >= maxReceiveCount, requestId, traceparent };
  };

  const handle = async (message: Message) => {
    const event = readEvent(message.Body);
    const handler = handlers[event.type] as Handler<EventType> | undefined;
    if (handler === undefined) throw new BadMessage('is of a type that this queue does not take');
    const delivery = deliveryOf(message);
    for (let outages = 0; ; ) {
      await gate?.passed();
      try {
        return await runInContext(carriedBy(message), () => handler(event, delivery));
      } catch (error) {
        // It may have an outage for its cause, and says that waiting does not help.
        if (gate === undefined || error instanceof PermanentFailure || !isOutage(error))
          throw error;
        outages += 1;
        if (outages === outagesMax) throw error;
        gate.shut(error);
      }
    }
  };

  /** Sends a message on to the dead-letter queue; it is still to be deleted then. */
  const bury = async (message: Message, error: unknown) => {
    if (onDeadLetter !== undefined) {
      const event = eventIn(message);
      if (event !== undefined)
        await runInContext(carriedBy(message), () => onDeadLetter(event, error));
    }
    const { receives } = deliveryOf(message);
    await sqs.send(
      new SendMessageCommand({
        QueueUrl: await deadLetterUrlOf(queue),
        ...withFailure(message, { error, failedAt: clock.now(), receives }),
      }),
    );
  };

  /** Handles a batch, and deletes what is handled. Calls `onEnd` as each message ends, however it does. */
  const handleBatch = async (queueUrl: string, messages: Message[], onEnd: () => void) => {
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
    const sweep = async () => {
      if (handled.length === 0) return;
      const Entries = entriesOf(handled);
      handled = [];
      try {
        const { Failed = [] } = await sqs.send(
          new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }),
        );
        if (Failed.length > 0) logger.warn({ failed: Failed }, 'handled, but not deleted');
      } catch (error) {
        logger.warn({ err: error }, 'handled, but not deleted');
      }
    };
    const sweeping = setInterval(() => {
      const earlier = deletion;
      deletion = sweep().then(() => earlier);
    }, sweepMs);

    const giveBack = async (message: Message, VisibilityTimeout: number) => {
      held.delete(message);
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

    const fail = async (message: Message, error: unknown) => {
      const { receives, isLast, ...carried } = deliveryOf(message);
      const label = {
        ...labelOf(message.Body),
        messageId: message.MessageId,
        receives,
        ...carried,
      };
      if (signal.aborted && isAbort(error)) {
        logger.info(label, 'given back: stopped before it was handled');
        return giveBack(message, giveBackDelaySeconds);
      }
      if (!isLast && !(error instanceof PermanentFailure)) {
        logger.warn({ ...label, err: error }, 'failed: will be tried again');
        // What is no event will be none later: nothing is gained by waiting for as long as a handler asks.
        const delays = error instanceof BadMessage ? usualRetryDelaysSeconds : retryDelaysSeconds;
        return giveBack(message, delays[receives - 1] ?? giveBackDelaySeconds);
      }
      logger.error({ ...label, err: error }, 'failed for the last time: a dead letter');
      try {
        await bury(message, error);
      } catch (cause) {
        logger.warn({ ...label, err: cause }, 'not moved to the dead-letter queue: given back');
        return giveBack(message, giveBackDelaySeconds);
      }
      held.delete(message);
      await sqs
        .send(
          new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle: message.ReceiptHandle }),
        )
        .catch((cause: unknown) =>
          logger.warn({ ...label, err: cause }, 'buried, but not deleted'),
        );
    };

    try {
      await Promise.all(
        messages.map(async (message) => {
          try {
            await handle(message);
            held.delete(message);
            handled.push(message);
          } catch (error) {
            await fail(message, error);
          } finally {
            onEnd();
          }
        }),
      );
    } finally {
      clearInterval(beating);
      clearInterval(sweeping);
    }
    await Promise.all([deletion, sweep()]);
  };

  /** Receives again and again, with at most `most` handlers at work. */
  const createPoller = (queueUrl: string, most: number) => {
    let atWork = 0;
    let ended = Promise.withResolvers<void>();
    const onEnd = () => {
      atWork -= 1;
      ended.resolve();
      ended = Promise.withResolvers();
    };
    const poller = Poller.create({
      sqs,
      queueUrl,
      batchSize: Math.min(batchSizeMax, most),
      waitTimeSeconds: waitSeconds,
      visibilityTimeout: visibilityTimeoutSeconds,
      messageSystemAttributeNames: ['ApproximateReceiveCount'],
      messageAttributeNames: ['All'],
      // Back-off is ours, below.
      authenticationErrorTimeout: 0,
      preReceiveMessageCallback: async () => {
        if (failures > 0) await delay(backoffMs(failures), undefined, { signal });
        await gate?.passed();
      },
      postReceiveMessageCallback: async () => answered(),
      // The next receive comes when this resolves, and is for no more than there is room for then.
      handleMessageBatch: async (messages) => {
        atWork += messages.length;
        const batch = handleBatch(queueUrl, messages, onEnd).catch((error: unknown) =>
          logger.error({ err: error }, 'a batch was not seen to its end'),
        );
        batches.add(batch);
        batch.then(() => batches.delete(batch));
        await Promise.race([batch, delay(batchUsuallyMs)]);
        while (atWork >= most) await ended.promise;
        poller.updateOption('batchSize', Math.min(batchSizeMax, most - atWork));
        // Handled messages are deleted by us, as they may end long after this.
        return [];
      },
    });
    poller.on('error', unanswered);
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
    for (let made = 0; made < pollerCount; made++) {
      // Shares that differ by one at most, and are `concurrency` together.
      pollers.push(createPoller(queueUrl, Math.floor((concurrency + made) / pollerCount)));
    }
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
      await Promise.all(batches);
    },
  };
}

/** Whether work was broken off rather than failed: by us while the store is away, or by the handler's own end. */
function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

function eventIn(message: Message): Event | undefined {
  try {
    return readEvent(message.Body);
  } catch {
    return undefined;
  }
}
