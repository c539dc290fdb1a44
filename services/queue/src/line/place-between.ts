import type { Neighbour } from '@queue-manager/contracts/internal';
import { partyStates } from '@queue-manager/contracts/parties';
import { problems } from '@queue-manager/service-kit/problems';
import { sql } from 'kysely';
import type { DatabaseTransaction } from '../db/database.ts';
import type { PartyRow, QueueRow } from '../db/tables.ts';
import { keyBetween, OrderKeyTooLong } from './order-key.ts';
import { laneIndex } from './snapshots.ts';

/** A line under its lock. */
type LockedLine = { trx: DatabaseTransaction; queue: QueueRow };
type Place = Pick<PartyRow, 'lane' | 'order_key'>;
/** A party, also one that is about to be added. */
type Placed = Pick<PartyRow, 'id'>;

/**
 * Finds the place of a party between two neighbours, under the line's lock. The neighbours were read without it and serve
 * as coordinates only: their parties may have left or moved since. A party that moves forward goes directly in front of
 * `behind`, one that moves back directly behind `before`, so that it overtakes as few parties as possible, including
 * ended ones that may be restored. Returns the party's own place if that is between the two.
 *
 * The party gets the lane of the neighbours; at the border of two lanes, at the front and at the end it keeps its own
 * lane if that fits. Throws `place-used-up` when no order key is left in between.
 */
export async function placeBetween(
  line: LockedLine,
  party: PartyRow,
  neighbours: { before: Neighbour | null; behind: Neighbour | null },
): Promise<Place> {
  const before = neighbours.before && placeOfNeighbour(neighbours.before);
  const behind = neighbours.behind && placeOfNeighbour(neighbours.behind);
  const isBehind = before === null || comparePlaces(before, party) < 0;
  const isBefore = behind === null || comparePlaces(party, behind) < 0;
  if (isBehind && isBefore) return { lane: party.lane, order_key: party.order_key };
  return orRefuse(() =>
    behind !== null && !isBefore
      ? placeInFrontOf(line, party, behind)
      : placeBehind(line, party, before as Place, behind === null),
  );
}

/** The order key of a party that is dated back, directly in front of the first that joined its lane later. */
export async function keyInFrontOf(
  line: LockedLine,
  party: Placed,
  behind: Place,
): Promise<Buffer> {
  return (await orRefuse(() => placeInFrontOf(line, party, behind))).order_key;
}

async function placeInFrontOf(line: LockedLine, party: Placed, behind: Place): Promise<Place> {
  const before = await nearestKey(line, party, behind, 'before');
  return { lane: behind.lane, order_key: keyBetween(before, behind.order_key) };
}

/** At the end of the line, the place is behind all parties that ever joined, as for a party that joins. */
async function placeBehind(
  line: LockedLine,
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
 * The nearest key on one side of a place, of parties in every state, since ended ones may be restored to their original
 * place. Strictly on that side, so that parties with equal keys stay together. One index seek per state.
 */
async function nearestKey(
  { trx, queue }: LockedLine,
  party: Placed,
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

/**
 * The order key of a party that returns to a place it was moved away from: directly in front of the party that has taken
 * that key meanwhile, if any.
 */
export async function freePlace(line: LockedLine, party: PartyRow): Promise<Buffer> {
  const { lane, order_key, queue_id, id } = party;
  const { rows } = await sql`
    SELECT 1 FROM parties FORCE INDEX (parties_line)
    WHERE queue_id = ${queue_id} AND state IN (${sql.join(partyStates)}) AND lane = ${lane}
      AND order_key = ${order_key} AND id <> ${id} LIMIT 1`.execute(line.trx);
  if (rows.length === 0) return order_key;
  return (await orRefuse(() => placeInFrontOf(line, party, { lane, order_key }))).order_key;
}

/** Throws `place-used-up` when no order key is left in between. */
async function orRefuse<T>(find: () => Promise<T>): Promise<T> {
  try {
    return await find();
  } catch (error) {
    if (!(error instanceof OrderKeyTooLong)) throw error;
    throw problems.placeUsedUp({
      detail: 'Too many parties were moved between these two. Choose the place before or after.',
    });
  }
}

function placeOfNeighbour({ lane, orderKey }: Neighbour): Place {
  return { lane: laneIndex(lane), order_key: Buffer.from(orderKey, 'hex') };
}

function comparePlaces(a: Place, b: Place): number {
  return a.lane - b.lane || Buffer.compare(a.order_key, b.order_key);
}
