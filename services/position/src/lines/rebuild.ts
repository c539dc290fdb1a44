import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { getLineChecksum } from '@queue-manager/contracts/internal';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import { createLeases } from '@queue-manager/service-kit/lease';
import type { Logger } from '@queue-manager/service-kit/logging';
import { problems } from '@queue-manager/service-kit/problems';
import { withoutDeadline } from '@queue-manager/service-kit/trace-context';
import pLimit from 'p-limit';
import { lockKey, type SnapshotKeys, snapshotKeys } from '../projection/line-keys.ts';
import type { Places, Projection, UnknownLine } from '../projection/projection.ts';
import type { RedisConnection } from '../projection/redis.ts';
import { defineScript } from '../projection/scripts.ts';
import { readSnapshot, type Snapshot } from './read-snapshot.ts';

/** The lease on the rebuild of a queue: a crashed process blocks others for at most `leaseMs`. */
const leaseTimes = { leaseMs: 3_000, extendMs: 1_000 };
const pollMs = 50;
/** How long to wait for another process's rebuild. */
const waitMsMax = 10_000;
const attemptsMax = 5;
/** Attempts to trust a suspect projection, whose last event may be in flight. */
const trustAttemptsMax = 3;
/** Chunks of a snapshot being written while the next ones arrive. */
const concurrentWritesMax = 4;
/** Per process, because each snapshot being read occupies a database connection of the queue service. */
export const concurrentRebuildsMax = 8;

type Wanted = {
  seq?: number;
  /** The projection differs from MySQL although it is whole: replace it in any case. */
  isWrong?: boolean;
  /** The projection has applied or buffered events that never happened: drop it before the rebuild. */
  isAhead?: boolean;
};

export type Rebuild = (queueId: string, wanted?: Wanted) => Promise<boolean>;

/**
 * Creates the function that rebuilds a projection from the queue service's snapshot if it is incomplete, suspect,
 * wrong or behind the wanted `seq`. Concurrent calls, in any process, share one rebuild. The function resolves with
 * false if the queue does not exist, and throws an outage if the queue service or Redis is unavailable.
 */
export function createRebuild(options: {
  redis: RedisConnection;
  projection: Projection;
  queueService: InternalClient;
  logger: Logger;
}): Rebuild {
  const { projection, queueService, logger } = options;
  const { client } = options.redis;
  const takeLock = defineScript(client, 'take-lock-1', ['server']);
  const leases = createLeases(client, leaseTimes);
  const limit = pLimit(concurrentRebuildsMax);
  const running = new Map<string, Promise<boolean>>();

  async function rebuildOnce(
    queueId: string,
    { seq: seqWanted = 0, isAhead = false, isWrong = isAhead }: Wanted,
  ): Promise<boolean> {
    const lock = lockKey(queueId);
    const read = () => projection.readPlaces(queueId, []);
    const isGood = (line: Places | UnknownLine) =>
      !isWrong && line.isKnown && !line.isSuspect && line.seq >= seqWanted;

    async function tryOnce(): Promise<boolean | 'locked' | 'retry'> {
      const token = randomUUID();
      const reply = await takeLock([lock], [token, leaseTimes.leaseMs]);
      if (reply === null) return 'locked';
      const held = String(reply);
      try {
        return await leases.holdDuring(lock, held, () => rebuildHolding(held, token));
      } finally {
        await leases.release(lock, held);
      }
    }

    async function rebuildHolding(held: string, token: string): Promise<boolean | 'retry'> {
      if (isAhead) await projection.drop(queueId);
      // Another process may have finished between our read and our lock.
      const line = await read();
      if (isGood(line)) return true;
      if (!isWrong && line.isKnown && line.isSuspect) {
        if (await isTrusted(queueId, { seqWanted, held })) return true;
      }
      const outcome = await copySnapshot(queueId, { held, token, hadLine: line.isKnown });
      if (outcome === 'no such queue') return false;
      if (outcome === 'installed' || (outcome === 'outdated' && !isWrong)) return true;
      // Events overtake each snapshot: drop what is wrong, so that it is not read until a snapshot is installed.
      if (outcome === 'outdated') await projection.drop(queueId);
      return 'retry';
    }

    let waitEnd = Number.POSITIVE_INFINITY;
    for (let attempts = 0; attempts < attemptsMax; ) {
      // Enter the semaphore before taking the lock: another process may have capacity to spare.
      const outcome = await limit(tryOnce);
      if (typeof outcome === 'boolean') return outcome;
      if (outcome === 'retry') {
        attempts += 1;
        waitEnd = Number.POSITIVE_INFINITY;
        continue;
      }
      waitEnd = Math.min(waitEnd, performance.now() + waitMsMax);
      await delay(pollMs);
      if (isGood(await read())) return true;
      if (performance.now() > waitEnd) break;
    }
    throw problems.unavailable({
      detail: 'The line could not be loaded. Please try again.',
      retryAfterSeconds: 1,
    });
  }

  /**
   * Whether a suspect projection lacks nothing after all. That is the usual case after a restart, and much cheaper
   * to find out than to rebuild a long line. Events in flight get a moment to arrive.
   */
  async function isTrusted(
    queueId: string,
    { seqWanted, held }: { seqWanted: number; held: string },
  ): Promise<boolean> {
    const checksum = await queueService.find(getLineChecksum, { params: { queueId } });
    if (checksum === null || checksum.seq < seqWanted) return false;
    for (let attempt = 1; attempt <= trustAttemptsMax; attempt++) {
      if (attempt > 1) await delay(pollMs);
      if (await projection.trust(queueId, checksum, held)) return true;
    }
    return false;
  }

  /**
   * `lost`: Redis was emptied or restarted, or the lock expired, since the snapshot was requested; `outdated`: the
   * projection is newer than the snapshot.
   */
  async function copySnapshot(
    queueId: string,
    { held, token, hadLine }: { held: string; token: string; hadLine: boolean },
  ): Promise<'installed' | 'outdated' | 'lost' | 'no such queue'> {
    const keys = snapshotKeys(queueId, token);
    const startedAt = performance.now();
    const snapshot = await readSnapshot(queueService, queueId);
    if (snapshot === null) return 'no such queue';
    const { head } = snapshot;
    let outcome: 'installed' | 'outdated' | 'lost' | undefined;
    try {
      const counts = await write(snapshot, keys);
      outcome = await projection.installSnapshot(keys, head, { ...counts, held, hadLine });
    } finally {
      // Expiring a large key would block Redis; unlinking it does not.
      if (outcome === undefined || outcome === 'lost') {
        await projection.discardSnapshot(keys).catch(() => undefined);
      }
    }
    const ms = Math.round(performance.now() - startedAt);
    logger.info(
      { queueId, seq: head.queue.seq, parties: head.parties, ms, outcome },
      'projection rebuilt',
    );
    return outcome;
  }

  async function write(snapshot: Snapshot, keys: SnapshotKeys) {
    const counts = { waiting: 0, called: 0 };
    const writes: Promise<void>[] = [];
    for await (const parties of snapshot.chunks) {
      for (const { state } of parties) counts[state === 'waiting' ? 'waiting' : 'called'] += 1;
      if (writes.length === concurrentWritesMax) await writes.shift();
      const write = projection.writeSnapshot(keys, parties);
      // A rejection is handled where the write is awaited.
      write.catch(() => undefined);
      writes.push(write);
    }
    await Promise.all(writes);
    return counts;
  }

  return (queueId, wanted = {}) => {
    const shared = running.get(queueId);
    // A running rebuild may stop at a projection that looks whole; replacing a wrong one needs a rebuild of its own.
    if (shared !== undefined && !wanted.isWrong && !wanted.isAhead) return shared;
    const started = withoutDeadline(() => rebuildOnce(queueId, wanted)).finally(() => {
      if (running.get(queueId) === started) running.delete(queueId);
    });
    running.set(queueId, started);
    return started;
  };
}
