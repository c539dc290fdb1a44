import type { Lane, PartyState } from '@queue-manager/contracts/parties';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { nameKey } from '../db/name-key.ts';
import type { PartyRow } from '../db/tables.ts';
import type { Deps } from '../deps.ts';
import { keyBetween } from '../line/order-key.ts';
import { laneIndex, partySnapshot } from '../line/snapshots.ts';
import { queueRow } from './line-rows.ts';

export type FilledParty = { name: string; state: PartyState; size?: number; lane?: Lane };

/** Inserts parties without the API, with their events. Returns the queue's new `seq`. */
export async function fillLine(
  { db, clock }: Pick<Deps, 'db' | 'clock'>,
  queueId: string,
  parties: readonly FilledParty[],
): Promise<number> {
  const queue = await queueRow(db, queueId);
  const now = clock.now();
  let { seq, tail_key } = queue;
  const rows = parties.map(({ name, state, size = 2, lane = 'regular' }, index) => {
    tail_key = keyBetween(tail_key, null);
    seq += 1;
    const id = uuidToBytes(newId(clock));
    const party: PartyRow = {
      queue_id: queue.id,
      id,
      number: queue.last_number + index + 1,
      lane: laneIndex(lane),
      order_key: tail_key,
      state,
      size,
      source: 'staff',
      seq,
      calls: state === 'waiting' ? 0 : 1,
      possible_duplicate: 0,
      almost_there: 0,
      snoozes: 0,
      joined_at: now,
      served_at: state === 'waiting' ? null : now,
      called_at: state === 'waiting' ? null : now,
      confirmed_at: null,
      seated_at: null,
      departed_at: null,
      ended_at: null,
    };
    return {
      party,
      personal: {
        queue_id: queue.id,
        party_id: id,
        name,
        name_key: nameKey(name),
        email: null,
        email_key: null,
        phone: null,
        notes: null,
        locale: null,
      },
      event: {
        queue_id: queue.id,
        seq,
        id: uuidToBytes(newId(clock)),
        type: 'party.joined' as const,
        party_id: id,
        time: now,
        data: JSON.stringify({ party: partySnapshot(party) }),
        relay_at: now,
      },
    };
  });
  const count = (state: PartyState) => parties.filter((party) => party.state === state).length;
  await db.transaction().execute(async (trx) => {
    for (let from = 0; from < rows.length; from += 1_000) {
      const chunk = rows.slice(from, from + 1_000);
      await trx
        .insertInto('parties')
        .values(chunk.map(({ party }) => party))
        .execute();
      await trx
        .insertInto('personal')
        .values(chunk.map(({ personal }) => personal))
        .execute();
      await trx
        .insertInto('events')
        .values(chunk.map(({ event }) => event))
        .execute();
    }
    await trx
      .updateTable('queues')
      .set({
        seq,
        tail_key,
        last_number: queue.last_number + rows.length,
        waiting: queue.waiting + count('waiting'),
        called: queue.called + count('called'),
      })
      .where('id', '=', queue.id)
      .execute();
  });
  return seq;
}
