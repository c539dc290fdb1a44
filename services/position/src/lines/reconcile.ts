import { getLineChecksum } from '@queue-manager/contracts/internal';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import type { Logger } from '@queue-manager/service-kit/logging';
import type { Metrics } from '@queue-manager/service-kit/metrics';
import { isOutage, Problem } from '@queue-manager/service-kit/problems';
import { comparedKey } from '../projection/line-keys.ts';
import type { Projection } from '../projection/projection.ts';
import type { RedisConnection } from '../projection/redis.ts';
import { type Compared, createCompareLine, type Difference } from './compare-line.ts';
import type { Rebuild } from './rebuild.ts';

/** A queue that nobody read or changed here for this long is left alone. */
const activeMs = 5 * 60_000;
/** Queues that one process follows at the most. */
const activeMax = 10_000;
/** Comparisons under way at once; of whole lines one. */
const checksumsAtOnceMax = 16;

export type CompareTimes = {
  /** Between comparisons of a line's checksum, over all processes together. */
  checksumEveryMs: number;
  /** The same of whole lines. */
  wholeEveryMs: number;
  /** Events have this long to come. */
  lagMs: number;
};

const usualCompareTimes: CompareTimes = {
  checksumEveryMs: 15_000,
  wholeEveryMs: 10 * 60_000,
  lagMs: 5_000,
};

const kinds = ['checksum', 'whole'] as const;
type Kind = (typeof kinds)[number];
/** `due` is when a line is compared next, infinite from when its turn has come until it is over. */
type Active = { usedAt: number; due: Record<Kind, number> };

export type Reconciler = {
  /** Says that a queue is read or changed here. Costs next to nothing. */
  note(queueId: string): void;
  /** Compares a line with the truth, and puts it right. */
  reconcile(queueId: string, kind: Kind): Promise<Compared>;
  start(): void;
  stop(): Promise<void>;
};

/**
 * Compares the lines that are in use with the truth, in the background, and rebuilds one that differs. Everything
 * that is known to go wrong is noticed where it happens; this is for what is not known. A line that several
 * processes use is compared by whichever comes first.
 */
export function createReconciler(given: {
  redis: RedisConnection;
  projection: Projection;
  rebuild: Rebuild;
  queueService: InternalClient;
  logger: Logger;
  metrics: Metrics;
  times?: CompareTimes;
}): Reconciler {
  const { redis, projection, rebuild, queueService, logger, metrics } = given;
  const { checksumEveryMs, wholeEveryMs, lagMs } = given.times ?? usualCompareTimes;
  const everyMs = { checksum: checksumEveryMs, whole: wholeEveryMs };
  const stopping = new AbortController();
  const compare = createCompareLine({
    projection,
    queueService,
    lagMs,
    signal: stopping.signal,
  });
  const active = new Map<string, Active>();
  const atWork = { checksum: new Set<Promise<void>>(), whole: new Set<Promise<void>>() };
  /** Lines that are compared: a fault is found and repaired once. */
  const busy = new Set<string>();
  const toCompare: Record<Kind, string[]> = { checksum: [], whole: [] };
  const atOnceMax = { checksum: checksumsAtOnceMax, whole: 1 };
  let timer: NodeJS.Timeout | undefined;

  const compared = metrics.counter(
    'line_comparisons_total',
    'Lines in Redis that were compared with the truth, by what was compared and what came of it',
    ['kind', 'outcome'],
  );
  const repaired = metrics.counter(
    'line_repairs_total',
    'Lines in Redis that were rebuilt because they differed from the truth, by how they differed',
    ['difference'],
  );

  async function reconcile(queueId: string, kind: Kind): Promise<Compared> {
    const outcome = await compare[kind](queueId);
    compared({ kind, outcome });
    if (outcome === 'same' || outcome === 'unsettled') return outcome;
    logger.warn({ queueId, difference: outcome }, 'the line is not what it should be: rebuilding');
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

  /** At one process's turn, at most once in a while. A line that could not be compared is tried again sooner. */
  async function takeTurn(queueId: string, kind: Kind): Promise<void> {
    const key = comparedKey(queueId, kind);
    const turnMs = Math.round(0.8 * everyMs[kind]);
    if (busy.has(queueId)) return;
    busy.add(queueId);
    try {
      if ((await redis.client.set(key, '', 'PX', turnMs, 'NX')) === null) return;
      const outcome = await reconcile(queueId, kind);
      if (outcome === 'unsettled')
        await redis.client.pexpire(key, Math.min(turnMs, checksumEveryMs));
    } catch (error) {
      if (error instanceof Problem && error.code === 'not-found') active.delete(queueId);
      else if (isOutage(error)) logger.debug({ err: error, queueId }, 'a line is compared later');
      else if (!stopping.signal.aborted)
        logger.error({ err: error, queueId }, 'a line could not be compared');
    } finally {
      busy.delete(queueId);
    }
  }

  /** Some time before or after the interval, so that lines spread out. */
  const after = (now: number, ms: number) => now + ms * (0.75 + 0.5 * Math.random());

  /** Lets the lines that are due stand in line themselves: first due, first compared. */
  function look(): void {
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
      toCompare[kind].push(...due[kind].sort(([a], [b]) => a - b).map(([, queueId]) => queueId));
      work(kind);
    }
  }

  function work(kind: Kind): void {
    while (atWork[kind].size < atOnceMax[kind] && !stopping.signal.aborted) {
      const queueId = toCompare[kind].shift();
      if (queueId === undefined) return;
      const turn = takeTurn(queueId, kind).finally(() => {
        atWork[kind].delete(turn);
        const entry = active.get(queueId);
        if (entry !== undefined) entry.due[kind] = after(performance.now(), everyMs[kind]);
        work(kind);
      });
      atWork[kind].add(turn);
    }
  }

  return {
    note(queueId) {
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
      timer = setInterval(look, Math.min(1_000, checksumEveryMs / 2));
      timer.unref();
    },
    async stop() {
      stopping.abort();
      clearInterval(timer);
      await Promise.all([...atWork.checksum, ...atWork.whole]);
    },
  };
}
