import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { PartySnapshot } from '@queue-manager/contracts/events';
import { getSnapshot, SnapshotHead } from '@queue-manager/contracts/internal';
import { type InternalClient, UpstreamError } from '@queue-manager/service-kit/internal-client';
import type { Logger } from '@queue-manager/service-kit/logging';
import { isOutage, Problem, problems } from '@queue-manager/service-kit/problems';
import { lockKey, snapshotKeys } from './line-keys.ts';
import type { Places, Projection, UnknownLine } from './projection.ts';
import type { RedisConnection } from './redis.ts';
import { defineScript } from './scripts.ts';

/** A crashed rebuild holds others up no longer than this; one at work extends it. */
const lockMs = 3_000;
const extendEveryMs = 1_000;
const pollMs = 50;
/** How long another process's rebuild is waited for. */
const waitMsMax = 10_000;
/** A queue service that sends nothing for this long counts as away. */
const silenceMsMax = 5_000;
const chunkSize = 1_000;
const attemptsMax = 3;

export type Rebuild = (queueId: string, wanted?: { seq: number }) => Promise<boolean>;

/**
 * Makes the function that writes a line anew from the queue service's snapshot, when it is missing, not whole,
 * suspect, or has not come to the `seq` wanted. However many ask, in however many processes, one does it.
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
  const extendLock = defineScript(client, 'extend-lock-1', []);
  const releaseLock = defineScript(client, 'release-lock-1', []);
  const underWay = new Map<string, Promise<boolean>>();

  async function rebuildOnce(queueId: string, seqWanted: number): Promise<boolean> {
    const lock = lockKey(queueId);
    const isGoodBy = async () => isGood(await projection.readPlaces(queueId, []), seqWanted);
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const token = randomUUID();
      const waitEnds = performance.now() + waitMsMax;
      while ((await client.set(lock, token, 'PX', lockMs, 'NX')) === null) {
        await delay(pollMs);
        if (await isGoodBy()) return true;
        if (performance.now() > waitEnds) throw notRebuilt();
      }
      const extending = setInterval(() => {
        extendLock([lock], [token, lockMs]).catch(() => undefined);
      }, extendEveryMs);
      try {
        // Somebody may have been done between our look at the line and our lock.
        if (await isGoodBy()) return true;
        const outcome = await copySnapshot(queueId, token);
        if (outcome !== 'lost') return outcome === 'installed';
      } finally {
        clearInterval(extending);
        await releaseLock([lock], [token]).catch(() => undefined);
      }
    }
    throw notRebuilt();
  }

  /** `lost` when Redis was emptied, or the lock passed to another, while the snapshot was on its way. */
  async function copySnapshot(
    queueId: string,
    token: string,
  ): Promise<'installed' | 'no such queue' | 'lost'> {
    const keys = snapshotKeys(queueId, token);
    const startedAt = performance.now();
    let stream: Readable;
    try {
      stream = await queueService.call(getSnapshot, {
        params: { queueId },
        timeoutMs: silenceMsMax,
      });
    } catch (error) {
      if (error instanceof Problem && error.code === 'not-found') return 'no such queue';
      throw error;
    }
    const counts = { waiting: 0, called: 0 };
    let head: SnapshotHead | undefined;
    let chunk: PartySnapshot[] = [];
    try {
      for await (const line of linesOf(stream)) {
        if (head === undefined) {
          head = SnapshotHead.parse(JSON.parse(line));
          continue;
        }
        const party = PartySnapshot.parse(JSON.parse(line));
        counts[party.state === 'waiting' ? 'waiting' : 'called'] += 1;
        chunk.push(party);
        if (chunk.length < chunkSize) continue;
        await projection.writeSnapshot(keys, chunk);
        chunk = [];
      }
    } catch (error) {
      if (isOutage(error)) throw error;
      throw new UpstreamError('The snapshot is not what its contract says', { cause: error });
    }
    const parties = counts.waiting + counts.called;
    if (head === undefined || head.parties !== parties) {
      throw new UpstreamError('The snapshot ended early');
    }
    if (chunk.length > 0) await projection.writeSnapshot(keys, chunk);
    const isInstalled = await projection.installSnapshot(keys, head, { ...counts, token });
    if (!isInstalled) return 'lost';
    const ms = Math.round(performance.now() - startedAt);
    logger.info({ queueId, seq: head.queue.seq, parties, ms }, 'line rebuilt');
    return 'installed';
  }

  return (queueId, wanted = { seq: 0 }) => {
    const joined = underWay.get(queueId);
    if (joined !== undefined) return joined;
    const made = rebuildOnce(queueId, wanted.seq).finally(() => underWay.delete(queueId));
    underWay.set(queueId, made);
    return made;
  };
}

const notRebuilt = () =>
  problems.unavailable({ detail: 'The line could not be rebuilt.', retryAfterSeconds: 1 });

function isGood(line: Places | UnknownLine, seqWanted: number): boolean {
  return line.isKnown && !line.isSuspect && line.seq >= seqWanted;
}

/** The lines of a stream of text; ends the stream when nothing comes for too long. */
async function* linesOf(stream: Readable): AsyncGenerator<string> {
  const onSilence = () => stream.destroy(new UpstreamError('The snapshot stopped coming'));
  const silence = setTimeout(onSilence, silenceMsMax);
  let rest = '';
  try {
    stream.setEncoding('utf8');
    for await (const text of stream) {
      silence.refresh();
      const lines = (rest + text).split('\n');
      rest = lines.pop() as string;
      yield* lines;
    }
    if (rest !== '') yield rest;
  } finally {
    clearTimeout(silence);
  }
}
