import type { Neighbour } from '@queue-manager/contracts/internal';
import { partyStates } from '@queue-manager/contracts/parties';
import { problems } from '@queue-manager/service-kit/problems';
import { sql } from 'kysely';
import type { PartyRow } from '../db/tables.ts';
import type { Line } from './line.ts';
import { keyBetween, OrderKeyTooLong } from './order-key.ts';
import { laneIndex } from './snapshots.ts';

type Place = Pick<PartyRow, 'lane' | 'order_key'>;

/**
 * The place of a party between two neighbours, found under the line's lock. The neighbours were read without it and are
 * coordinates only: their parties may have gone or moved, their places stay where they were. A party that moves
 * forward goes directly in front of `behind`, one that moves back directly behind `before`, so that it overtakes as
 * few parties as possible, counting ended parties that may be restored. Returns its own place when that is already
 * between the two.
 *
 * It takes the lane of the neighbours; at the border of two lanes, at the front and at the end it keeps its own
 * where that fits. Throws `place-used-up` when no key fits any more.
 */
export async function placeBetween(
  line: Line,
  party: PartyRow,
  neighbours: { before: Neighbour | null; behind: Neighbour | null },
): Promise<Place> {
  const before = neighbours.before && placeOfNeighbour(neighbours.before);
  const behind = neighbours.behind && placeOfNeighbour(neighbours.behind);
  const isBehind = before === null || comparePlaces(before, party) < 0;
  const isBefore = behind === null || comparePlaces(party, behind) < 0;
  if (isBehind && isBefore) return { lane: party.lane, order_key: party.order_key };
  try {
    return behind !== null && !isBefore
      ? await placeInFrontOf(line, party, behind)
      : await placeBehind(line, party, before as Place, behind === null);
  } catch (error) {
    if (!(error instanceof OrderKeyTooLong)) throw error;
    throw problems.placeUsedUp({
      detail: 'Too many parties were moved between these two. Choose the place before or after.',
    });
  }
}

async function placeInFrontOf(line: Line, party: PartyRow, behind: Place): Promise<Place> {
  const before = await nearestKey(line, party, behind, 'before');
  return { lane: behind.lane, order_key: keyBetween(before, behind.order_key) };
}

/** At the end of the line it comes behind everybody who ever stood in it, as those who join do. */
async function placeBehind(
  line: Line,
  party: PartyRow,
  before: Place,
  isEnd: boolean,
): Promise<Place> {
  const { lane } = before;
  const behind = isEnd ? null : await nearestKey(line, party, before, 'behind');
  if (behind !== null) return { lane, order_key: keyBetween(before.order_key, behind) };
  const order_key = keyBetween(line.queue.tail_key, null);
  line.queue.tail_key = order_key;
  return { lane, order_key };
}

/**
 * The nearest key on one side of a place, of parties in every state: whoever ended may be restored, to
 * exactly the place it had. Strictly on that side, so that what was given the same key once stays together.
 * One seek into `parties_line` a state.
 */
async function nearestKey(
  { trx, queue }: Line,
  party: PartyRow,
  { lane, order_key }: Place,
  side: 'before' | 'behind',
): Promise<Buffer | null> {
  const [compared, direction] = side === 'before' ? [sql`<`, sql`DESC`] : [sql`>`, sql`ASC`];
  const seeks = partyStates.map(
    (state) => sql`(
      SELECT order_key FROM parties FORCE INDEX (parties_line)
      WHERE queue_id = ${queue.id} AND state = ${state} AND lane = ${lane}
        AND order_key ${compared} ${order_key} AND id <> ${party.id}
      ORDER BY order_key ${direction}, id ${direction} LIMIT 1)`,
  );
  const { rows } = await sql<{ order_key: Buffer }>`${sql.join(seeks, sql` UNION ALL `)}`.execute(
    trx,
  );
  const keys = rows.map((row) => row.order_key).sort(Buffer.compare);
  return (side === 'before' ? keys.at(-1) : keys[0]) ?? null;
}

function placeOfNeighbour({ lane, orderKey }: Neighbour): Place {
  return { lane: laneIndex(lane), order_key: Buffer.from(orderKey, 'hex') };
}

function comparePlaces(a: Place, b: Place): number {
  return a.lane - b.lane || Buffer.compare(a.order_key, b.order_key);
}
