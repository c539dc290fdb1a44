import { randomUUID } from 'node:crypto';
import type { PartySnapshot } from '@queue-manager/contracts/events';
import { keyBetween } from '@queue-manager/queue/order-key';
import { systemClock } from '@queue-manager/service-kit/clock';
import { newId } from '@queue-manager/service-kit/ids';
import type { RedisClient } from '@queue-manager/service-kit/redis';
import { lockKey, snapshotKeys } from '../line-keys.ts';
import type { Projection } from '../projection.ts';
import { defineScript } from '../scripts.ts';

const chunkSize = 1_000;
const lockMs = 600_000;

/** Lets many parties wait in a line that Redis alone knows; gives their ids in the order of the line. */
export async function fillProjection(
  { client, projection }: { client: RedisClient; projection: Projection },
  queueId: string,
  count: number,
): Promise<string[]> {
  const token = randomUUID();
  const takeLock = defineScript(client, 'take-lock-1', ['server']);
  const held = String(await takeLock([lockKey(queueId)], [token, lockMs]));
  const keys = snapshotKeys(queueId, token);
  const joinedAt = systemClock.now().toISOString();
  const ids: string[] = [];
  let orderKey: Buffer | null = null;
  let chunk: PartySnapshot[] = [];
  for (let number = 1; number <= count; number += 1) {
    orderKey = keyBetween(orderKey, null);
    const partyId = newId(systemClock);
    ids.push(partyId);
    chunk.push({
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
    });
    if (chunk.length < chunkSize && number < count) continue;
    await projection.writeSnapshot(keys, chunk);
    chunk = [];
  }
  const queue = {
    seq: count,
    name: 'Line',
    state: 'open',
    boardLabels: 'number',
    deleted: false,
  } as const;
  const outcome = await projection.installSnapshot(
    keys,
    { venueId: randomUUID(), queueId, queue, parties: count },
    { waiting: count, called: 0, held, hadLine: false },
  );
  if (outcome !== 'installed') throw new Error('the line could not be put in place');
  await client.del(lockKey(queueId));
  return ids;
}
