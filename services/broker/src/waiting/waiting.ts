import type { Clock } from '@queue-manager/service-kit/clock';
import type { Subscriptions } from '@queue-manager/service-kit/subscriptions';
import { runInContext } from '@queue-manager/service-kit/trace-context';
import type { Delivery, StoredMessage } from '../store/message-store.ts';
import { readyChannel } from '../store/venue-keys.ts';

/** Tries to consume for one waiting consumer. */
type Attempt = () => Promise<Delivery>;

type Waiter = {
  attempt: Attempt;
  isTrying: boolean;
  /** Its time is over or its client is gone; it ends after the attempt that is under way. */
  isLate: boolean;
  end(messages: StoredMessage[]): void;
  fail(error: unknown): void;
};

type Line = {
  /** In the order in which they came: the first gets the next messages. */
  waiters: Set<Waiter>;
  isServing: boolean;
  /** Something has happened since serving began. */
  isDue: boolean;
  unlockTimer: NodeJS.Timeout | undefined;
};

export type Waiting = {
  /**
   * Waits until `attempt` gets messages; resolves with none when the time is over or `signal` aborts. One subscription
   * serves all that wait for messages of a venue, and one attempt at a time.
   */
  wait(
    venueId: string,
    options: { attempt: Attempt; waitMs: number; signal: AbortSignal },
  ): Promise<StoredMessage[]>;
  /** How many wait in this process. */
  count(): number;
  /** Ends all waits with no messages. */
  close(): void;
};

/** Consumers of one venue that wait in one process; the next ones are answered at once. */
export const waitersMax = 64;
/** Least pause before an attempt that no message caused. */
const pauseMsMin = 20;

export function createWaiting(options: { subscriptions: Subscriptions; clock: Clock }): Waiting {
  const { subscriptions, clock } = options;
  const lines = new Map<string, Line>();
  let isClosed = false;

  function serve(line: Line): void {
    line.isDue = true;
    // For all that wait, so without the deadline of one.
    if (!line.isServing) void runInContext({}, () => serveAll(line));
  }

  async function serveAll(line: Line): Promise<void> {
    line.isServing = true;
    while (line.isDue) {
      line.isDue = false;
      clearTimeout(line.unlockTimer);
      for (const waiter of line.waiters) {
        const delivery = await tryFor(waiter);
        if (delivery === null || delivery.messages.length > 0) continue;
        serveAt(line, delivery.unlockAt);
        break;
      }
    }
    line.isServing = false;
  }

  /** Null if the attempt failed, which ends this waiter alone. */
  async function tryFor(waiter: Waiter): Promise<Delivery | null> {
    waiter.isTrying = true;
    try {
      const delivery = await waiter.attempt();
      if (delivery.messages.length > 0 || waiter.isLate) waiter.end(delivery.messages);
      return delivery;
    } catch (error) {
      waiter.fail(error);
      return null;
    } finally {
      waiter.isTrying = false;
    }
  }

  function serveAt(line: Line, unlockAt: number | null): void {
    if (unlockAt === null) return;
    const ms = Math.max(pauseMsMin, unlockAt - clock.now().getTime());
    if (line.waiters.size > 0) line.unlockTimer = setTimeout(() => serve(line), ms);
  }

  /** The line of a venue, which lasts as long as somebody waits. */
  function lineOf(venueId: string): Line {
    const known = lines.get(venueId);
    if (known !== undefined) return known;
    const line: Line = {
      waiters: new Set(),
      isServing: false,
      isDue: false,
      unlockTimer: undefined,
    };
    lines.set(venueId, line);
    void subscribe(venueId, line);
    return line;
  }

  async function subscribe(venueId: string, line: Line): Promise<void> {
    const onMessage = () => serve(line);
    try {
      await subscriptions.add(readyChannel(venueId), { onMessage, onRenewed: onMessage });
      // A message may have come since the attempts of the calls.
      serve(line);
    } catch (error) {
      for (const waiter of line.waiters) waiter.fail(error);
    }
    // The last one may have left meanwhile.
    if (!lines.has(venueId)) subscriptions.remove(readyChannel(venueId));
  }

  function leave(venueId: string, line: Line, waiter: Waiter): void {
    if (!line.waiters.delete(waiter) || line.waiters.size > 0) return;
    clearTimeout(line.unlockTimer);
    lines.delete(venueId);
    subscriptions.remove(readyChannel(venueId));
  }

  return {
    async wait(venueId, { attempt, waitMs, signal }) {
      const isFull = (lines.get(venueId)?.waiters.size ?? 0) >= waitersMax;
      if (isFull || isClosed || signal.aborted) return [];
      const { promise, resolve, reject } = Promise.withResolvers<StoredMessage[]>();
      const line = lineOf(venueId);
      // Leaves at once, so that no attempt is made for one that has got its answer.
      const waiter: Waiter = {
        attempt,
        isTrying: false,
        isLate: false,
        end(messages) {
          leave(venueId, line, waiter);
          resolve(messages);
        },
        fail(error) {
          leave(venueId, line, waiter);
          reject(error);
        },
      };
      line.waiters.add(waiter);
      // Another one's attempt may have found nothing already, or found this one's messages.
      if (line.waiters.size > 1) serve(line);
      // What an attempt under way gets must reach the client.
      const giveUp = () => {
        waiter.isLate = true;
        if (!waiter.isTrying) waiter.end([]);
      };
      const timer = setTimeout(giveUp, waitMs);
      signal.addEventListener('abort', giveUp, { once: true });
      try {
        return await promise;
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
      }
    },

    count: () => lines.values().reduce((sum, { waiters }) => sum + waiters.size, 0),

    close() {
      isClosed = true;
      for (const { waiters } of lines.values()) for (const waiter of waiters) waiter.end([]);
      subscriptions.close();
    },
  };
}
