import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { getLineChecksum, type LineChecksum } from '@queue-manager/contracts/internal';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import type { Logger } from '@queue-manager/service-kit/logging';
import { Problem, problems } from '@queue-manager/service-kit/problems';
import pLimit from 'p-limit';
import { lockKey, type SnapshotKeys, snapshotKeys } from './line-keys.ts';
import type { Places, Projection, UnknownLine } from './projection.ts';
import { readSnapshot, type Snapshot } from './read-snapshot.ts';
import type { RedisConnection } from './redis.ts';
import { defineScript } from './scripts.ts';

/** A crashed rebuild holds others up no longer than this; one at work extends it. */
const lockMs = 3_000;
const extendEveryMs = 1_000;
const pollMs = 50;
/** How long another process's rebuild is waited for. */
const waitMsMax = 10_000;
const attemptsMax = 5;
/** Looks at a suspect line whose last event may be on its way. */
const trustLooksMax = 3;
/** Pieces of a snapshot that are written while the next ones come: neither side waits for the other. */
const writesAtOnceMax = 4;
/** Lines that one process reads at once: each holds a connection of the queue service to its database meanwhile. */
export const snapshotsAtOnceMax = 8;

type Wanted = {
  seq?: number;
  /** The line is not what it should be, however whole it looks: nothing of it is trusted. */
  isWrong?: boolean;
  /** It knows of events that never happened, or waits for some: it is wrong, and forgotten first. */
  isAhead?: boolean;
};

export type Rebuild = (queueId: string, wanted?: Wanted) => Promise<boolean>;

/**
 * Makes the function that writes a line anew from the queue service's snapshot, when it is missing, not whole,
 * suspect, wrong, or has not come to the `seq` wanted. However many ask, in however many processes, one does it.
 * The function resolves with false when there is no such queue, and throws an outage when the queue service
 * or Redis is away.
 */
export function createRebuild(given: {
  redis: RedisConnection;
  projection: Projection;
  queueService: InternalClient;
  logger: Logger;
}): Rebuild {
  const { projection, queueService, logger } = given;
  const { client } = given.redis;
  const takeLock = defineScript(client, 'take-lock-1', ['server']);
  const extendLock = defineScript(client, 'extend-lock-1', []);
  const releaseLock = defineScript(client, 'release-lock-1', []);
  const inTurn = pLimit(snapshotsAtOnceMax);
  const underWay = new Map<string, Promise<boolean>>();

  async function rebuildOnce(
    queueId: string,
    { seq: seqWanted = 0, isAhead = false, isWrong = isAhead }: Wanted,
  ): Promise<boolean> {
    const lock = lockKey(queueId);
    const read = () => projection.readPlaces(queueId, []);
    const isGood = (line: Places | UnknownLine) =>
      !isWrong && line.isKnown && !line.isSuspect && line.seq >= seqWanted;

    /** One attempt, if nobody else has the lock. */
    async function attempt(): Promise<boolean | 'locked' | 'not yet'> {
      const token = randomUUID();
      const reply = await takeLock([lock], [token, lockMs]);
      if (reply === null) return 'locked';
      const held = String(reply);
      const extending = setInterval(() => {
        extendLock([lock], [held, lockMs]).catch(() => undefined);
      }, extendEveryMs);
      try {
        // Somebody may have been done between our look at the line and our lock.
        if (isAhead) await projection.drop(queueId);
        const line = await read();
        if (isGood(line)) return true;
        if (!isWrong && line.isKnown && line.isSuspect) {
          if (await isTrusted(queueId, { seqWanted, held })) return true;
        }
        const outcome = await copySnapshot(queueId, { held, token, hadLine: line.isKnown });
        if (outcome === 'no such queue') return false;
        if (outcome === 'installed' || (outcome === 'past' && !isWrong)) return true;
        // It moves on faster than a snapshot comes: what is wrong is told to nobody until the next one is there.
        if (outcome === 'past') await projection.drop(queueId);
        return 'not yet';
      } finally {
        clearInterval(extending);
        await releaseLock([lock], [held]).catch(() => undefined);
      }
    }

    let waitEnds = Number.POSITIVE_INFINITY;
    for (let attempts = 0; attempts < attemptsMax; ) {
      // A turn before the lock: another process may have turns to spare.
      const outcome = await inTurn(attempt);
      if (typeof outcome === 'boolean') return outcome;
      if (outcome === 'not yet') {
        attempts += 1;
        waitEnds = Number.POSITIVE_INFINITY;
        continue;
      }
      waitEnds = Math.min(waitEnds, performance.now() + waitMsMax);
      await delay(pollMs);
      if (isGood(await read())) return true;
      if (performance.now() > waitEnds) break;
    }
    throw notRebuilt();
  }

  /**
   * Whether a line has nothing missing after all, though its server has restarted: most have not, and a long one is
   * not to be rebuilt for that. What happened just now has a moment to come.
   */
  async function isTrusted(
    queueId: string,
    { seqWanted, held }: { seqWanted: number; held: string },
  ): Promise<boolean> {
    const checksum = await readChecksum(queueId);
    if (checksum === null || checksum.seq < seqWanted) return false;
    for (let look = 1; look <= trustLooksMax; look++) {
      if (look > 1) await delay(pollMs);
      if (await projection.trust(queueId, checksum, held)) return true;
    }
    return false;
  }

  async function readChecksum(queueId: string): Promise<LineChecksum | null> {
    try {
      return await queueService.call(getLineChecksum, { params: { queueId } });
    } catch (error) {
      if (error instanceof Problem && error.code === 'not-found') return null;
      throw error;
    }
  }

  /**
   * `lost` when Redis was emptied or restarted, or the lock passed to another, while the snapshot was on its
   * way; `past` when the line has gone past it.
   */
  async function copySnapshot(
    queueId: string,
    given: { held: string; token: string; hadLine: boolean },
  ): Promise<'installed' | 'past' | 'lost' | 'no such queue'> {
    const { held, token, hadLine } = given;
    const keys = snapshotKeys(queueId, token);
    const startedAt = performance.now();
    const snapshot = await readSnapshot(queueService, queueId);
    if (snapshot === null) return 'no such queue';
    const { head } = snapshot;
    let outcome: 'installed' | 'past' | 'lost' | undefined;
    try {
      const counts = await write(snapshot, keys);
      outcome = await projection.installSnapshot(keys, head, { ...counts, held, hadLine });
    } finally {
      // Left to expire, a long one would hold up everybody while Redis deletes it.
      if (outcome === undefined || outcome === 'lost') {
        await projection.discardSnapshot(keys).catch(() => undefined);
      }
    }
    const ms = Math.round(performance.now() - startedAt);
    logger.info(
      { queueId, seq: head.queue.seq, parties: head.parties, ms, outcome },
      'line rebuilt',
    );
    return outcome;
  }

  async function write(snapshot: Snapshot, keys: SnapshotKeys) {
    const counts = { waiting: 0, called: 0 };
    const writes: Promise<void>[] = [];
    for await (const parties of snapshot.pieces) {
      for (const { state } of parties) counts[state === 'waiting' ? 'waiting' : 'called'] += 1;
      if (writes.length === writesAtOnceMax) await writes.shift();
      const write = projection.writeSnapshot(keys, parties);
      // Whoever waits for it is told; here it must not count as nobody's error.
      write.catch(() => undefined);
      writes.push(write);
    }
    await Promise.all(writes);
    return counts;
  }

  return (queueId, wanted = {}) => {
    const joined = underWay.get(queueId);
    // A rebuild of what looks sound does not stop for what does: it makes its own, under the same lock.
    if (joined !== undefined && !wanted.isWrong && !wanted.isAhead) return joined;
    const made = rebuildOnce(queueId, wanted).finally(() => {
      if (underWay.get(queueId) === made) underWay.delete(queueId);
    });
    underWay.set(queueId, made);
    return made;
  };
}

const notRebuilt = () =>
  problems.unavailable({
    detail: 'The line could not be loaded. Please try again.',
    retryAfterSeconds: 1,
  });
