import { applyEvents, type FedEvent, type Place } from '@queue-manager/contracts/internal';
import { backoffMs } from '@queue-manager/service-kit/backoff';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import { remainingMs } from '@queue-manager/service-kit/limits/deadline';
import type { Logger } from '@queue-manager/service-kit/logging';
import { contextOfSpan, endSpan, startSpan } from '@queue-manager/service-kit/telemetry/spans';
import {
  currentContext,
  isSampled,
  runInContext,
  type TraceContext,
} from '@queue-manager/service-kit/trace-context';
import { isFed, queueIdOf, type StoredEvent, seqOf } from './line-event.ts';
import type { Relay } from './relay.ts';

/** How long a response may wait for the position service, which is slow under load; also the least timeout of a call. */
const usualBudgetMs = 1_000;
/** The same after a failed call, until one succeeds: the position service may be unavailable for long. */
const outageBudgetMs = 50;
/** Share of the time until the request's deadline that a response may wait; the rest is for completing it. */
const deadlineShare = 0.5;
/** Pauses before an event that waits for an earlier one is sent again. */
const pendingPause = { firstMs: 5, maxMs: 100 };
/**
 * Delays before a failed delivery is retried. A crashed position service is back by then, while SQS may hide the event
 * for 30 s if the crashed process had received it.
 */
const retriesMs = [250, 500, 1_000, 2_000, 4_000];
/** Maximum number of events that wait for a retry. */
const retriedMax = 1_000;
/** Maximum number of events in one call. Even the largest possible events, with long order keys, fit a body. */
const batchMax = 100;
/** Concurrent calls; further events wait for the next call. */
const callsMax = 4;
/** Maximum number of events that wait for a call, some ten megabytes. Events beyond it go through the relay. */
export const queuedMax = 10_000;

export type LineFeed = {
  /**
   * Delivers the events of one commit. Resolves with the place of the last event's party when the position service has
   * applied it (null unless the party waits); with null when the budget is over, or when too many events are queued.
   * Never rejects.
   */
  committed(events: readonly StoredEvent[]): Promise<Place | null>;
};

/** Waits for the last event of a commit. */
type Waiter = { isDone: boolean; done(place: Place | null): void };
type Entry = {
  event: FedEvent;
  waiter: Waiter | null;
  context: TraceContext | undefined;
  /** Number of failed calls. */
  failures: number;
  /** Number of calls in which it waited for an earlier event. */
  pendings: number;
};

/**
 * Delivers committed events to the position service: those of concurrent requests in one call, in the order of their
 * queues' sequence numbers. Best effort by design: the relay sends whatever is not delivered within a second, and the
 * events that others receive.
 */
export function createLineFeed(options: {
  position: InternalClient;
  logger: Logger;
  relay: Pick<Relay, 'wake' | 'delivered'>;
  /** Called after every commit with events. */
  onCommitted: (events: readonly StoredEvent[]) => void;
  /** 1 s by default. */
  budgetMs?: number;
}): LineFeed {
  const { budgetMs = usualBudgetMs } = options;
  let queued: Entry[] = [];
  let runningCalls = 0;
  let isFlushPlanned = false;
  let retried = 0;
  let isOutage = false;

  function planFlush(): void {
    if (isFlushPlanned || queued.length === 0 || runningCalls >= callsMax) return;
    isFlushPlanned = true;
    // Waits one tick, so that commits of the same tick share a call.
    setImmediate(() => {
      isFlushPlanned = false;
      void flush();
    });
  }

  async function flush(): Promise<void> {
    const batch = queued.slice(0, batchMax).sort((a, b) => compareEvents(a.event, b.event));
    queued = queued.slice(batchMax);
    runningCalls += 1;
    planFlush();
    try {
      const { answers } = await runInContext(commonContext(batch), () =>
        options.position.call(applyEvents, {
          body: { events: batch.map(({ event }) => event) },
          timeoutMs: Math.max(usualBudgetMs, budgetMs),
        }),
      );
      isOutage = false;
      const applied: FedEvent[] = [];
      batch.forEach((entry, index) => {
        const answer = answers[index];
        if (answer?.outcome === 'applied') applied.push(entry.event);
        if (answer?.outcome === 'pending') sendAgain(entry);
        else entry.waiter?.done(answer?.place ?? null);
      });
      options.relay.delivered(applied);
    } catch (error) {
      isOutage = true;
      options.logger.debug({ err: error }, 'the position service did not take events directly');
      for (const { waiter } of batch) waiter?.done(null);
      tryLater(batch);
    } finally {
      runningCalls -= 1;
      planFlush();
    }
  }

  function tryLater(batch: readonly Entry[]): void {
    const again = batch.filter(({ failures }) => failures < retriesMs.length);
    const waitMs = retriesMs[again[0]?.failures ?? 0];
    if (again.length === 0 || retried + again.length > retriedMax) return;
    retried += again.length;
    setTimeout(() => {
      retried -= again.length;
      // With so many events queued by then, the relay delivers these.
      if (queued.length + again.length > retriedMax) return;
      for (const entry of again) queued.push({ ...entry, failures: entry.failures + 1 });
      planFlush();
    }, waitMs).unref();
  }

  /** An earlier event of the line is still in flight, in another call or from another process. */
  function sendAgain(entry: Entry): void {
    const pendings = entry.pendings + 1;
    setTimeout(
      () => {
        if (entry.waiter === null || entry.waiter.isDone) return;
        queued.push({ ...entry, pendings });
        planFlush();
      },
      backoffMs(pendings, pendingPause),
    ).unref();
  }

  function waitMs(): number {
    const remaining = remainingMs() ?? Number.POSITIVE_INFINITY;
    return Math.min(budgetMs, isOutage ? outageBudgetMs : budgetMs, remaining * deadlineShare);
  }

  return {
    committed(all) {
      if (all.length === 0) return Promise.resolve(null);
      options.onCommitted(all);
      const events = all.filter(isFed);
      if (events.length < all.length) options.relay.wake();
      const last = events.at(-1);
      if (last === undefined) return Promise.resolve(null);
      // All events of a commit or none: the later ones cannot be applied without the earlier ones.
      if (queued.length + events.length > queuedMax) return Promise.resolve(null);
      const { promise, resolve } = Promise.withResolvers<Place | null>();
      const waiter: Waiter = {
        isDone: false,
        done(place) {
          waiter.isDone = true;
          resolve(place);
        },
      };
      setTimeout(() => waiter.done(null), waitMs()).unref();
      let context = currentContext();
      const span = startSpan(`outbox ${last.type}`, {}, context);
      if (span !== undefined) {
        context = contextOfSpan(span, context);
        promise.then((place) => {
          span.setAttribute('queue_manager.has_place', place !== null);
          endSpan(span);
        });
      }
      for (const event of events) {
        queued.push({
          event,
          waiter: event === last ? waiter : null,
          context,
          failures: 0,
          pendings: 0,
        });
      }
      planFlush();
      return promise;
    },
  };
}

/**
 * The trace context of a call: that of its events, if all come from the same request. Otherwise the call is part of the
 * trace of one of them that is sampled, if any is.
 */
function commonContext(batch: readonly Entry[]): TraceContext {
  const context = batch[0]?.context;
  if (context !== undefined && batch.every((entry) => entry.context === context)) return context;
  const traced = batch.find((entry) => isSampled(entry.context))?.context;
  return traced?.traceparent === undefined ? {} : { traceparent: traced.traceparent };
}

function compareEvents(a: FedEvent, b: FedEvent): number {
  return Buffer.compare(queueIdOf(a), queueIdOf(b)) || seqOf(a) - seqOf(b);
}
