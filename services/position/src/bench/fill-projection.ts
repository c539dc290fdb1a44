import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { PartySnapshot } from '@queue-manager/contracts/events';
import type { SnapshotHead } from '@queue-manager/contracts/internal';
import { keyBetween } from '@queue-manager/queue/order-key';
import { systemClock } from '@queue-manager/service-kit/clock';
import { newId } from '@queue-manager/service-kit/ids';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import { testLogger } from '@queue-manager/service-kit/testing';
import type { Projection } from '../projection.ts';
import { createRebuild } from '../rebuild.ts';
import type { RedisConnection } from '../redis.ts';

/**
 * Lets many parties wait in a line that Redis alone knows; gives their ids in the order of the line. It is
 * written by a rebuild, from a snapshot that is made here.
 */
export async function fillProjection(
  { redis, projection }: { redis: RedisConnection; projection: Projection },
  queueId: string,
  count: number,
): Promise<string[]> {
  const ids: string[] = [];
  const queueService = {
    call: async () => Readable.from(snapshotOf(queueId, count, ids)),
    close: async () => undefined,
  } as unknown as InternalClient;
  const rebuild = createRebuild({ redis, projection, queueService, logger: testLogger });
  if (!(await rebuild(queueId, { seq: count }))) throw new Error('the line could not be written');
  return ids;
}

/** As the queue service sends it; `ids` takes those of the parties. */
function* snapshotOf(queueId: string, count: number, ids: string[]): Generator<string> {
  const queue = {
    seq: count,
    name: 'Line',
    state: 'open',
    boardLabels: 'number',
    deleted: false,
  } as const;
  const head: SnapshotHead = { venueId: randomUUID(), queueId, queue, parties: count };
  yield `${JSON.stringify(head)}\n`;
  const joinedAt = systemClock.now().toISOString();
  let orderKey: Buffer | null = null;
  for (let number = 1; number <= count; number += 1) {
    orderKey = keyBetween(orderKey, null);
    const partyId = newId(systemClock);
    ids.push(partyId);
    const party: PartySnapshot = {
      partyId,
      seq: number,
      state: 'waiting',
      lane: 'regular',
      orderKey: orderKey.toString('hex'),
      number,
      size: 2,
      source: 'guest',
      calls: 0,
      joinedAt,
      calledAt: null,
      confirmedAt: null,
      seatedAt: null,
      departedAt: null,
      endedAt: null,
    };
    yield `${JSON.stringify(party)}\n`;
  }
}
