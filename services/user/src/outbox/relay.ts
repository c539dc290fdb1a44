import type { Publisher } from '@queue-manager/events/publish';
import type { Logger } from '@queue-manager/service-kit/logging';
import type { Store } from '../store/tables.ts';
import type { MakeAnnouncedEvent } from './make-announced-event.ts';
import { deleteFromOutbox, type OutboxItem, readOutbox } from './outbox.ts';

export type Relay = {
  /** Publishes what was just committed. Returns at once; what fails is left to the poll. */
  send(items: OutboxItem[]): void;
  start(): void;
  /** Stops polling and waits for what is under way. */
  stop(): Promise<void>;
};

const pollMs = 1_000;
/** Younger items are in the hands of the process that wrote them; older ones it failed to publish. */
const leftOverMs = 2_000;

/**
 * Takes events from the outbox to the message queues, at least once and under the same id. The process that
 * commits publishes by itself; the poll finds what a crash or an outage left. Any number of processes may poll.
 */
export function createRelay(options: {
  store: Store;
  publisher: Publisher;
  makeEvent: MakeAnnouncedEvent;
  logger: Logger;
}): Relay {
  const { store, publisher, makeEvent, logger } = options;
  const inHand = new Set<string>();
  const underWay = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let isFailing = false;

  async function publish(items: OutboxItem[]): Promise<void> {
    const mine = items.filter(({ id }) => !inHand.has(id));
    if (mine.length === 0) return;
    for (const { id } of mine) inHand.add(id);
    try {
      // One that cannot be made stays where it is, and holds up nothing behind it.
      const made = await Promise.allSettled(mine.map(makeEvent));
      const events = made.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
      const { failed } = await publisher.publish(
        events.filter((event) => event !== null),
        // An event has the id of its item.
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
      for (const { id } of mine) inHand.delete(id);
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
    if (isFailing) logger.info('the outbox is published again');
    isFailing = false;
  }

  function track(work: Promise<void>): Promise<void> {
    const tracked = work
      .catch((err) => {
        // An outage fails every second; it is told once.
        if (!isFailing) logger.warn({ err }, 'the outbox is not published; trying until it is');
        isFailing = true;
      })
      .finally(() => underWay.delete(tracked));
    underWay.add(tracked);
    return tracked;
  }

  async function pollAgain(): Promise<void> {
    await track(poll());
    if (!isStopped) timer = setTimeout(pollAgain, pollMs);
  }

  return {
    send: (items) => {
      if (items.length > 0) void track(publish(items));
    },
    start: () => void pollAgain(),
    stop: async () => {
      isStopped = true;
      clearTimeout(timer);
      await Promise.all(underWay);
    },
  };
}
