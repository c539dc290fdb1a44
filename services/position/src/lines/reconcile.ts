import { getLineChecksum } from '@queue-manager/contracts/internal';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import type { Logger } from '@queue-manager/service-kit/logging';
import { isOutage, isProblem } from '@queue-manager/service-kit/problems';
import type { Metrics } from '@queue-manager/service-kit/telemetry/metrics';
import pLimit from 'p-limit';
import { comparedKey } from '../projection/line-keys.ts';
import type { Projection } from '../projection/projection.ts';
import type { RedisConnection } from '../projection/redis.ts';
import { type Compared, createCompareLine, type Difference, differences } from './compare-line.ts';
import type { Rebuild } from './rebuild.ts';

/** A queue that this process has not read or changed for this long is no longer compared. */
const activeMs = 5 * 60_000;
const activeMax = 10_000;
/** Concurrent comparisons of one process. */
const concurrentMax = { checksum: 16, whole: 1 };

export type CompareTimes = {
  /** Interval between checksum comparisons of a queue, over all processes. */
  checksumEveryMs: number;
  /** The same for whole comparisons. */
  wholeEveryMs: number;
  /** How long events may be in flight before they count as missing. */
  lagMs: number;
};

const defaultCompareTimes: CompareTimes = {
  checksumEveryMs: 15_000,
  wholeEveryMs: 10 * 60_000,
  lagMs: 5_000,
};

const kinds = ['checksum', 'whole'] as const;
type Kind = (typeof kinds)[number];
/** `due` is when the queue is compared next; infinite while a comparison is queued or running. */
type Active = { usedAt: number; due: Record<Kind, number> };

type Reconciler = {
  /** Notes that this process has read or changed a queue. Cheap enough for every request. */
  noteUse(queueId: string): void;
  /** Compares a projection with MySQL, and rebuilds it if it differs. */
  reconcile(queueId: string, kind: Kind): Promise<Compared>;
  start(): void;
  stop(): Promise<void>;
};

/**
 * Compares the projections in use with MySQL in the background, and rebuilds those that differ. Known failures are
 * detected where they happen; this catches the unknown ones. A queue in use by several processes is compared by
 * whichever is first.
 */
export function createReconciler(options: {
  redis: RedisConnection;
  projection: Projection;
  rebuild: Rebuild;
  queueService: InternalClient;
  logger: Logger;
  metrics: Metrics;
  times?: CompareTimes;
}): Reconciler {
  const { redis, projection, rebuild, queueService, logger, metrics } = options;
  const { checksumEveryMs, wholeEveryMs, lagMs } = options.times ?? defaultCompareTimes;
  const everyMs = { checksum: checksumEveryMs, whole: wholeEveryMs };
  const stopping = new AbortController();
  const { signal } = stopping;
  const compare = createCompareLine({ projection, queueService, lagMs, signal });
  const active = new Map<string, Active>();
  const limits = {
    checksum: pLimit(concurrentMax.checksum),
    whole: pLimit(concurrentMax.whole),
  };
  const comparisons = new Set<Promise<void>>();
  /** Queues being compared, so that one fault is not repaired by both kinds at once. */
  const busy = new Set<string>();
  let timer: NodeJS.Timeout | undefined;

  const compared = metrics.counter('line_comparisons_total');
  const repaired = metrics.counter('line_repairs_total');
  for (const difference of differences) repaired({ difference }, 0);

  async function reconcile(queueId: string, kind: Kind): Promise<Compared> {
    const outcome = await compare[kind](queueId);
    compared({ kind, outcome });
    if (outcome === 'same' || outcome === 'unsettled') return outcome;
    logger.warn({ queueId, difference: outcome }, 'the projection differs from MySQL: rebuilding');
    if (await repair(queueId, outcome)) repaired({ difference: outcome });
    return outcome;
  }

  async function repair(queueId: string, difference: Difference): Promise<boolean> {
    if (difference === 'missing') return await rebuild(queueId);
    if (difference === 'ahead') return await rebuild(queueId, { isAhead: true });
    if (difference !== 'behind') return await rebuild(queueId, { isWrong: true });
    const { seq } = await queueService.call(getLineChecksum, { params: { queueId } });
    return await rebuild(queueId, { seq });
  }

  /** Compares a queue unless any process did recently. An unsettled comparison is repeated sooner. */
  async function compareIfDue(queueId: string, kind: Kind): Promise<void> {
    if (signal.aborted || busy.has(queueId)) return;
    const key = comparedKey(queueId, kind);
    const intervalMs = Math.round(0.8 * everyMs[kind]);
    busy.add(queueId);
    try {
      if ((await redis.client.set(key, '', 'PX', intervalMs, 'NX')) === null) return;
      const outcome = await reconcile(queueId, kind);
      if (outcome === 'unsettled')
        await redis.client.pexpire(key, Math.min(intervalMs, checksumEveryMs));
    } catch (error) {
      if (isProblem(error, 'not-found')) active.delete(queueId);
      else if (isOutage(error))
        logger.debug({ err: error, queueId }, 'comparison postponed during an outage');
      else if (!signal.aborted)
        logger.error({ err: error, queueId }, 'cannot compare a projection');
    } finally {
      busy.delete(queueId);
    }
  }

  /** Up to 25 % before or after the interval, so that queues spread out. */
  const jittered = (now: number, ms: number) => now + ms * (0.75 + 0.5 * Math.random());

  /** Queues the comparisons that are due, the longest due first. */
  function compareDue(): void {
    const now = performance.now();
    const due: Record<Kind, [number, string][]> = { checksum: [], whole: [] };
    for (const [queueId, entry] of active) {
      if (now - entry.usedAt > activeMs) {
        active.delete(queueId);
        continue;
      }
      for (const kind of kinds) {
        if (entry.due[kind] > now) continue;
        due[kind].push([entry.due[kind], queueId]);
        entry.due[kind] = Number.POSITIVE_INFINITY;
      }
    }
    for (const kind of kinds) {
      for (const [, queueId] of due[kind].sort(([a], [b]) => a - b)) {
        const comparison = limits[kind](compareIfDue, queueId, kind).finally(() => {
          comparisons.delete(comparison);
          const entry = active.get(queueId);
          if (entry !== undefined) entry.due[kind] = jittered(performance.now(), everyMs[kind]);
        });
        comparisons.add(comparison);
      }
    }
  }

  return {
    noteUse(queueId) {
      const known = active.get(queueId);
      const now = performance.now();
      if (known !== undefined) {
        known.usedAt = now;
      } else if (active.size < activeMax) {
        const soon = (ms: number) => now + ms * Math.random();
        active.set(queueId, {
          usedAt: now,
          due: { checksum: soon(checksumEveryMs), whole: soon(wholeEveryMs) },
        });
      }
    },
    reconcile,
    start() {
      timer = setInterval(compareDue, Math.min(1_000, checksumEveryMs / 2));
      timer.unref();
    },
    async stop() {
      stopping.abort();
      clearInterval(timer);
      await Promise.all(comparisons);
    },
  };
}
