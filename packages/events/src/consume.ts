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
import type { LabelsOf } from '@queue-manager/service-kit/telemetry/metrics-list';
import { SpanKind, withSpan } from '@queue-manager/service-kit/telemetry/spans';
import { idsForLog, runInContext } from '@queue-manager/service-kit/trace-context';
import { Consumer as Poller } from 'sqs-consumer';
import { createDeadLetterUrls, createQueueUrls } from './client.ts';
import { withFailure } from './dead-letter.ts';
import { BadMessage, labelOf, readEvent } from './read-event.ts';
import { createStoreGate, type StoreGate } from './store-gate.ts';
import { type QueueName, queues } from './topology.ts';
import { contextOf } from './trace-context.ts';

/** What a handler may know about the message of its event. */
export type Delivery = {
  /** Number of deliveries of the message, including this one. */
  receives: number;
  /** Whether the message becomes a dead letter when the handler fails now. */
  isLast: boolean;
  /** The request that led to the event, if known. */
  requestId: string | undefined;
  /** W3C Trace Context of that request, if known. */
  traceparent: string | undefined;
};

export type Handler<T extends EventType> = (event: EventOf<T>, delivery: Delivery) => Promise<void>;

/** One handler per event type. Events may arrive twice and in any order; a failed event is delivered again. */
export type Handlers = { [T in EventType]?: Handler<T> };

/**
 * Thrown by a handler when retries cannot help: the message becomes a dead letter at once. The error's text is for
 * managers and operators, and must hold no personal data.
 */
export class PermanentFailure extends Error {
  override readonly name = 'PermanentFailure';
}

export type Consumer = {
  /** Starts receiving as soon as SQS and the queue are available. */
  start(): Promise<void>;
  /** Stops receiving. Resolves when all received messages are handled or released. */
  stop(): Promise<void>;
};

export type ConsumerOptions = {
  sqs: SQSClient;
  prefix: string;
  queue: QueueName;
  handlers: Handlers;
  logger: Logger;
  /** Maximum of concurrent handlers, 10 by default. */
  concurrency?: number;
  /**
   * Resolves when the handlers' store is available. With it, a handler that throws an outage (`isOutage`) pauses
   * the consumer until the store is back; without it, an outage is a failure like any other.
   */
  ready?: () => Promise<unknown>;
  /**
   * Called before a message goes to the dead-letter queue, after its last failure or a `PermanentFailure`. May be
   * called twice for an event. When it throws, the message is delivered again, or, after the last delivery, moved
   * by SQS without the error.
   */
  onDeadLetter?: (event: Event, error: unknown) => Promise<void>;
  /**
   * How long a message stays hidden after its handler's first, second, ... failure; 1 s and 5 s by default, never
   * 0. Invalid messages always use the default.
   */
  retryDelaysSeconds?: readonly number[];
  /**
   * Called for each delivery that was handled or has failed, not for one that was released since the consumer stops; and at
   * the start with a count of 0 for each outcome.
   */
  onOutcome?: (labels: LabelsOf<'messages_total'>, count?: number) => void;
  clock?: Clock;
};

const batchSizeMax = 10;
const heartbeatMs = 10_000;
/**
 * How long to wait for a batch before receiving the next one in parallel. Most batches are handled by then, which
 * keeps receives few and large.
 */
const batchWaitMs = 100;
/** Interval of deleting handled messages, in batches. */
const deletionMs = 1_000;
const retryDelaysSecondsDefault = [1, 5];
/**
 * How long a released message stays hidden when it did not fail. Never 0: fauxqs, the local emulator, loses
 * messages that are released with 0 while it is persistent.
 */
const releaseDelaySeconds = 1;
/** Outages in a row of one message, while `ready` succeeds, after which they count as a failure of the message. */
const outagesMax = 5;

/**
 * Consumes a queue: receives batches by long polling, validates each event by its contract and passes it to the
 * handler of its type. The message stays hidden while its handler runs. Receiving continues while fewer than
 * `concurrency` handlers run. Those of one group of a FIFO queue are handled in order. Handled messages are deleted. Failed and invalid messages are released with a growing
 * delay and do not block others. After the third delivery they go to the dead-letter queue with the error: the copy
 * is sent before the original is deleted, so that a crash in between duplicates it and never loses it. SQS moves
 * messages whose consumer was killed every time, without an error.
 *
 * While the handlers' store is unavailable, nothing is received, and received messages are kept and retried when the
 * store is back. They are not released, because every delivery is one of the three, and other instances, whose store
 * is also unavailable, would use them up.
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

/** What consumers and Lambda functions do with one message. */
export function createMessageHandler(
  options: Pick<
    ConsumerOptions,
    'sqs' | 'prefix' | 'queue' | 'handlers' | 'onDeadLetter' | 'clock'
  >,
) {
  const { sqs, prefix, queue, handlers, onDeadLetter, clock = systemClock } = options;
  const deadLetterUrlOf = createDeadLetterUrls(sqs, prefix);
  const spanOptions = {
    kind: SpanKind.CONSUMER,
    attributes: { 'messaging.system': 'aws_sqs', 'messaging.destination.name': queue },
  };

  const deliveryOf = (message: Message): Delivery => {
    const receives = Number(message.Attributes?.ApproximateReceiveCount);
    const { requestId, traceparent } = contextOf(message);
    return { receives, isLast: receives >= queues[queue].maxReceiveCount, requestId, traceparent };
  };

  return {
    deliveryOf,

    /** What the handler of a message does. Throws `BadMessage` when there is none. */
    workOf(message: Message): () => Promise<void> {
      const event = readEvent(message.Body);
      const handler = handlers[event.type] as Handler<EventType> | undefined;
      if (handler === undefined)
        throw new BadMessage('has an event type that this queue does not handle');
      const delivery = deliveryOf(message);
      return () =>
        runInContext(contextOf(message), () =>
          withSpan(`process ${event.type}`, spanOptions, () => handler(event, delivery)),
        );
    },

    /** Sends a copy of a message to the dead-letter queue. The caller deletes the original. */
    async copyToDeadLetters(message: Message, error: unknown): Promise<void> {
      if (onDeadLetter !== undefined) {
        const event = eventIn(message);
        if (event !== undefined)
          await runInContext(contextOf(message), () => onDeadLetter(event, error));
      }
      const { receives } = deliveryOf(message);
      await sqs.send(
        new SendMessageCommand({
          QueueUrl: await deadLetterUrlOf(queue),
          ...withFailure(queue, message, { error, failedAt: clock.now(), receives }),
        }),
      );
    },
  };
}

function startRun(options: ConsumerOptions): { stop(): Promise<void> } {
  const { sqs, prefix, queue, ready, onOutcome, concurrency = batchSizeMax } = options;
  const { retryDelaysSeconds = retryDelaysSecondsDefault } = options;
  const { visibilityTimeoutSeconds, waitSeconds } = queues[queue];
  const logger = options.logger.child({ queue });
  const queueUrlOf = createQueueUrls(sqs, prefix);
  const { deliveryOf, workOf, copyToDeadLetters } = createMessageHandler(options);
  for (const outcome of ['handled', 'retried', 'dead']) onOutcome?.({ queue, outcome }, 0);
  const stopping = new AbortController();
  const { signal } = stopping;
  const gate: StoreGate | undefined = ready && createStoreGate({ ready, logger, signal });
  const pollers: Poller[] = [];
  const batches = new Set<Promise<unknown>>();
  /** Failed requests to SQS in a row; an outage is logged once. */
  let failures = 0;

  const onSuccess = () => {
    if (failures > 0) logger.info('SQS is available again');
    failures = 0;
  };
  const onFailure = (error: unknown) => {
    if (signal.aborted) return;
    failures += 1;
    if (failures === 1)
      logger.warn({ err: error }, 'SQS is unavailable: retrying until it is back');
  };

  const handle = async (message: Message) => {
    const work = workOf(message);
    for (let outages = 0; ; ) {
      await gate?.whenOpen();
      try {
        return await work();
      } catch (error) {
        // A PermanentFailure may be caused by an outage, but says that waiting does not help.
        if (gate === undefined || error instanceof PermanentFailure || !isOutage(error))
          throw error;
        outages += 1;
        if (outages === outagesMax) throw error;
        gate.close(error);
      }
    }
  };

  /** Handles a batch and deletes handled messages. Calls `onEnd` for each message when it is handled or has failed. */
  const handleBatch = async (queueUrl: string, messages: Message[], onEnd: () => void) => {
    const held = new Set(messages);
    let handled: Message[] = [];
    let heartbeat: Promise<unknown> = Promise.resolve();
    let deletion: Promise<unknown> = Promise.resolve();

    const entriesOf = (batch: Iterable<Message>) =>
      Array.from(batch, ({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
    const extend = () =>
      sqs.send(
        new ChangeMessageVisibilityBatchCommand({
          QueueUrl: queueUrl,
          Entries: entriesOf(held).map((entry) => ({
            ...entry,
            VisibilityTimeout: visibilityTimeoutSeconds,
          })),
        }),
      );
    const heartbeatTimer = setInterval(() => {
      if (held.size > 0) heartbeat = extend().catch(onFailure);
    }, heartbeatMs);
    const deleteHandled = async () => {
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
    const deletionTimer = setInterval(() => {
      const earlier = deletion;
      deletion = deleteHandled().then(() => earlier);
    }, deletionMs);

    const release = async (message: Message, VisibilityTimeout: number) => {
      held.delete(message);
      // A heartbeat in flight would hide the message again.
      await heartbeat;
      await sqs
        .send(
          new ChangeMessageVisibilityCommand({
            QueueUrl: queueUrl,
            ReceiptHandle: message.ReceiptHandle,
            VisibilityTimeout,
          }),
        )
        .catch(onFailure);
    };

    /** Whether the message became a dead letter; otherwise it was released. */
    const fail = async (message: Message, error: unknown): Promise<boolean> => {
      const released = async (seconds: number) => {
        await release(message, seconds);
        return false;
      };
      const { receives, isLast } = deliveryOf(message);
      const label = {
        ...labelOf(message.Body),
        messageId: message.MessageId,
        receives,
        ...idsForLog(contextOf(message)),
      };
      if (signal.aborted && isAbort(error)) {
        logger.info(label, 'released: the consumer stopped before it was handled');
        return released(releaseDelaySeconds);
      }
      if (!isLast && !(error instanceof PermanentFailure)) {
        onOutcome?.({ queue, outcome: 'retried' });
        logger.warn({ ...label, err: error }, 'failed: will be retried');
        // An invalid message stays invalid: the handler's longer delays would gain nothing.
        const delays = error instanceof BadMessage ? retryDelaysSecondsDefault : retryDelaysSeconds;
        return released(delays[receives - 1] ?? releaseDelaySeconds);
      }
      logger.error({ ...label, err: error }, 'failed for the last time: becomes a dead letter');
      try {
        await copyToDeadLetters(message, error);
      } catch (cause) {
        logger.warn({ ...label, err: cause }, 'could not move to the dead-letter queue: released');
        return released(releaseDelaySeconds);
      }
      held.delete(message);
      onOutcome?.({ queue, outcome: 'dead' });
      await sqs
        .send(
          new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle: message.ReceiptHandle }),
        )
        .catch((cause: unknown) =>
          logger.warn({ ...label, err: cause }, 'moved to the dead-letter queue, but not deleted'),
        );
      return true;
    };

    /** Handles messages one after the other. When one is released, so are those behind it. */
    const handleInOrder = async (group: readonly Message[]) => {
      let isBlocked = false;
      for (const message of group) {
        try {
          if (isBlocked) {
            await release(message, releaseDelaySeconds);
            continue;
          }
          await handle(message);
          held.delete(message);
          handled.push(message);
          onOutcome?.({ queue, outcome: 'handled' });
        } catch (error) {
          isBlocked = !(await fail(message, error));
        } finally {
          onEnd();
        }
      }
    };

    try {
      // Only a FIFO queue has groups.
      const groups = Map.groupBy(
        messages,
        ({ MessageId, Attributes }) => Attributes?.MessageGroupId ?? MessageId,
      );
      await Promise.all(Array.from(groups.values(), handleInOrder));
    } finally {
      clearInterval(heartbeatTimer);
      clearInterval(deletionTimer);
    }
    await Promise.all([deletion, deleteHandled()]);
  };

  /** Polls the queue, with at most `max` concurrent handlers. */
  const createPoller = (queueUrl: string, max: number) => {
    let running = 0;
    let ended = Promise.withResolvers<void>();
    const onEnd = () => {
      running -= 1;
      ended.resolve();
      ended = Promise.withResolvers();
    };
    const poller = Poller.create({
      sqs,
      queueUrl,
      batchSize: Math.min(batchSizeMax, max),
      waitTimeSeconds: waitSeconds,
      visibilityTimeout: visibilityTimeoutSeconds,
      messageSystemAttributeNames: ['ApproximateReceiveCount', 'MessageGroupId'],
      messageAttributeNames: ['All'],
      // The groups of a batch are handled in order.
      suppressFifoWarning: true,
      // We back off ourselves, below.
      authenticationErrorTimeout: 0,
      preReceiveMessageCallback: async () => {
        if (failures > 0) await delay(backoffMs(failures), undefined, { signal });
        await gate?.whenOpen();
      },
      postReceiveMessageCallback: async () => onSuccess(),
      // The next receive starts when this resolves, with a batch size that fits the free handlers.
      handleMessageBatch: async (messages) => {
        running += messages.length;
        const batch = handleBatch(queueUrl, messages, onEnd).catch((error: unknown) =>
          logger.error({ err: error }, 'handling a batch failed'),
        );
        batches.add(batch);
        batch.then(() => batches.delete(batch));
        await Promise.race([batch, delay(batchWaitMs)]);
        while (running >= max) await ended.promise;
        poller.updateOption('batchSize', Math.min(batchSizeMax, max - running));
        // We delete handled messages ourselves, since handlers may finish long after this.
        return [];
      },
    });
    poller.on('error', onFailure);
    return poller;
  };

  const open = async () => {
    let queueUrl: string | undefined;
    while (queueUrl === undefined && !signal.aborted) {
      try {
        queueUrl = await queueUrlOf(queue);
      } catch (error) {
        onFailure(error);
        await delay(backoffMs(failures), undefined, { signal }).catch(() => undefined);
      }
    }
    if (queueUrl === undefined || signal.aborted) return;
    onSuccess();
    const pollerCount = Math.max(1, Math.floor(concurrency / batchSizeMax));
    for (let made = 0; made < pollerCount; made++) {
      // Split `concurrency` evenly.
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
      // Wait for receives in flight: SQS might send messages to a closed connection.
      while (pollers.some((poller) => poller.status.isPolling)) await delay(10);
      await Promise.all(batches);
    },
  };
}

/** Whether a handler was aborted rather than failed: by the store gate, or by itself since the consumer stops. */
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
