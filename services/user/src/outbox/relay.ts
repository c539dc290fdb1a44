import type { Publisher } from '@queue-manager/events/publish';
import type { Logger } from '@queue-manager/service-kit/logging';
import { withoutDeadline } from '@queue-manager/service-kit/trace-context';
import type { Store } from '../store/tables.ts';
import type { EventMaker } from './event-maker.ts';
import { deleteFromOutbox, type OutboxItem, readOutbox } from './outbox.ts';

export type Relay = {
  /** Publishes items that were just committed, in the background. The poll retries those that fail. */
  send(items: OutboxItem[]): void;
  start(): void;
  /** Stops polling and waits for publications in progress. */
  stop(): Promise<void>;
};

const pollMs = 1_000;
/** The process that wrote an item publishes it within this time, or has failed to. */
const leftOverMs = 2_000;

/**
 * Publishes events from the outbox at least once, with stable ids. The process that commits an event publishes it;
 * the poll publishes items that a crash or an outage left over. Any number of processes may poll.
 */
export function createRelay(options: {
  store: Store;
  publisher: Publisher;
  makeEvent: EventMaker;
  logger: Logger;
}): Relay {
  const { store, publisher, makeEvent, logger } = options;
  const inProgress = new Set<string>();
  const pending = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let isFailing = false;

  async function publish(items: OutboxItem[]): Promise<void> {
    const mine = items.filter(({ id }) => !inProgress.has(id));
    if (mine.length === 0) return;
    for (const { id } of mine) inProgress.add(id);
    try {
      // An item whose event cannot be made stays in the outbox and does not block others.
      const made = await Promise.allSettled(mine.map(makeEvent));
      const events = made.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
      const { failed } = await publisher.publish(
        events.filter((event) => event !== null),
        // Events have the ids of their items.
        new Map(mine.map(({ id, context = {} }) => [id, context])),
      );
      const done = mine.filter(({ id }, at) => made[at]?.status === 'fulfilled' && !failed.has(id));
      await deleteFromOutbox(
        store,
        done.map(({ id }) => id),
      );
      const fault = made.find((result) => result.status === 'rejected');
      if (fault !== undefined) throw fault.reason;
      const [reason] = failed.values();
      if (reason !== undefined) throw new Error(reason);
    } finally {
      for (const { id } of mine) inProgress.delete(id);
    }
  }

  async function poll(): Promise<void> {
    const newest = new Date(store.clock.now().getTime() - leftOverMs).toISOString();
    let fault: unknown;
    for await (const items of readOutbox(store)) {
      const leftOver = items.filter(({ createdAt }) => createdAt <= newest);
      await publish(leftOver).catch((error) => {
        fault = error;
      });
      if (isStopped || leftOver.length < items.length) break;
    }
    if (fault !== undefined) throw fault;
    if (isFailing) logger.info('the outbox is being published again');
    isFailing = false;
  }

  function track(work: Promise<void>): Promise<void> {
    const tracked = work
      .catch((err) => {
        // An outage fails every second; it is logged once.
        if (!isFailing) logger.warn({ err }, 'cannot publish the outbox: retrying');
        isFailing = true;
      })
      .finally(() => pending.delete(tracked));
    pending.add(tracked);
    return tracked;
  }

  async function pollAgain(): Promise<void> {
    await track(poll());
    if (!isStopped) timer = setTimeout(pollAgain, pollMs);
  }

  return {
    send: (items) => {
      if (items.length > 0) void track(withoutDeadline(() => publish(items)));
    },
    start: () => void pollAgain(),
    stop: async () => {
      isStopped = true;
      clearTimeout(timer);
      await Promise.all(pending);
    },
  };
}
