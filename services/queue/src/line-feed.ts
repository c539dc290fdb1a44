import { applyEvents, type LineEvent, type Place } from '@queue-manager/contracts/internal';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import type { Logger } from '@queue-manager/service-kit/logging';
import { seqOf } from './line.ts';

/** What an answer may wait for the position service, in milliseconds. */
const budgetMs = 50;
/** Events in one call at the most; the contract's limit is higher. */
const batchMax = 500;
/** Calls on their way at once; more events than these carry wait for the next. */
const callsMax = 4;

export type LineFeed = {
  /** Takes committed events, in the order of their commit where they belong to one transaction. */
  committed(events: readonly LineEvent[]): void;
  /**
   * The place of the party that an event was about, once the position service has applied it; null when it
   * is not waiting, or when the position service did not answer within the budget.
   */
  placeAfter(event: LineEvent): Promise<Place | null>;
};

type Waiting = {
  event: LineEvent;
  resolve: (place: Place | null) => void;
  promise: Promise<Place | null>;
  isSettled: boolean;
};

/**
 * The direct way of events to the position service: events of concurrent requests go together in one call,
 * in the order of their queues' sequence numbers. Best effort by design: the relay carries every event the
 * guaranteed way as well.
 */
export function createLineFeed(options: {
  position: InternalClient;
  logger: Logger;
  /** Called for every commit: wakes the relay. */
  wakeRelay: () => void;
}): LineFeed {
  const byEventId = new Map<string, Waiting>();
  let queued: Waiting[] = [];
  let callsUnderWay = 0;
  let isFlushPlanned = false;

  function settle(waiting: Waiting, place: Place | null): void {
    if (waiting.isSettled) return;
    waiting.isSettled = true;
    byEventId.delete(waiting.event.id);
    waiting.resolve(place);
  }

  function planFlush(): void {
    if (isFlushPlanned || queued.length === 0 || callsUnderWay >= callsMax) return;
    isFlushPlanned = true;
    // One turn of the event loop lets commits that finish together share a call.
    setImmediate(() => {
      isFlushPlanned = false;
      void flush();
    });
  }

  async function flush(): Promise<void> {
    const batch = queued.slice(0, batchMax).sort((a, b) => compareEvents(a.event, b.event));
    queued = queued.slice(batchMax);
    if (batch.length === 0) return;
    callsUnderWay += 1;
    planFlush();
    try {
      const { answers } = await options.position.call(applyEvents, {
        body: { events: batch.map(({ event }) => event) },
        timeoutMs: budgetMs,
      });
      batch.forEach((waiting, index) => {
        const answer = answers[index];
        // An earlier event of the line is still on its way: ask again with the next call, within the budget.
        if (answer?.outcome === 'pending' && !waiting.isSettled) queued.push(waiting);
        else settle(waiting, answer?.place ?? null);
      });
    } catch (error) {
      options.logger.debug({ err: error }, 'the position service did not take events directly');
      for (const waiting of batch) settle(waiting, null);
    } finally {
      callsUnderWay -= 1;
      planFlush();
    }
  }

  return {
    committed(events) {
      if (events.length === 0) return;
      options.wakeRelay();
      for (const event of events) {
        const { promise, resolve } = Promise.withResolvers<Place | null>();
        const waiting: Waiting = { event, resolve, promise, isSettled: false };
        byEventId.set(event.id, waiting);
        setTimeout(() => settle(waiting, null), budgetMs).unref();
        queued.push(waiting);
      }
      planFlush();
    },
    placeAfter(event) {
      return byEventId.get(event.id)?.promise ?? Promise.resolve(null);
    },
  };
}

function compareEvents(a: LineEvent, b: LineEvent): number {
  if (a.data.queueId !== b.data.queueId) return a.data.queueId < b.data.queueId ? -1 : 1;
  return seqOf(a) - seqOf(b);
}
