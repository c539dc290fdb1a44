import { listParties as contract, lanes, type PartyState } from '@queue-manager/contracts/parties';
import { OrderKeyHex } from '@queue-manager/contracts/values';
import { decodeCursor, encodeCursor, invalidCursor } from '@queue-manager/service-kit/cursor';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import { route } from '@queue-manager/service-kit/route';
import { sql } from 'kysely';
import { queueFor } from '../access/membership.ts';
import { nameKey } from '../db/name-key.ts';
import { pageOf } from '../db/page-of.ts';
import type { PartyRow } from '../db/tables.ts';
import type { Deps } from '../deps.ts';
import { ahead, behind } from '../line/line-order.ts';
import { laneIndex, partyRecord } from '../line/snapshots.ts';
import { loadPlaces, staffViews } from './party-view.ts';

/**
 * A page in the order of the line. Each state is a sorted range of `parties_line`. The page is the head of their merge, so
 * its cost does not depend on the length of the line or of its past.
 */
export const listParties = (deps: Deps) =>
  route(contract, async ({ params, query, claims }) => {
    const { queue } = await queueFor(deps.db, params.queueId, claims.sub, 'host');
    const { limit, q, order } = query;
    const lane = query.lane === undefined ? sql`` : sql`AND p.lane = ${laneIndex(query.lane)}`;
    const inOrder =
      order === 'asc'
        ? sql`ORDER BY lane, order_key, id LIMIT ${limit + 1}`
        : sql`ORDER BY lane DESC, order_key DESC, id DESC LIMIT ${limit + 1}`;
    const beyond = order === 'asc' ? behind : ahead;
    const after =
      query.cursor === undefined ? sql`` : sql`AND ${beyond('p', placeOf(query.cursor))}`;
    const states = [...new Set(query.state)];

    const within = (state: PartyState) =>
      sql`p.queue_id = ${queue.id} AND p.state = ${state} ${lane} ${after}`;
    const heads = states.flatMap((state) =>
      q === undefined
        ? sql`(SELECT p.* FROM parties AS p FORCE INDEX (parties_line) WHERE ${within(state)} ${inOrder})`
        : found(q).map(
            (source) => sql`(SELECT p.* FROM ${source} AND ${within(state)} ${inOrder})`,
          ),
    );
    // UNION omits parties that were found both by name and by number.
    const union = q === undefined ? sql` UNION ALL ` : sql` UNION `;
    const { rows } = await sql<PartyRow>`
      SELECT * FROM (${sql.join(heads, union)}) AS heads ${inOrder}`.execute(deps.db);

    const { shown, nextCursor } = pageOf(rows, limit, ({ lane, order_key, id }) =>
      encodeCursor([lane, order_key.toString('hex'), bytesToUuid(id)]),
    );
    const records = shown.map(partyRecord);
    return {
      data: await staffViews(deps, records, await loadPlaces(deps, records)),
      nextCursor,
    };
  });

function placeOf(cursor: string) {
  const [lane, orderKey, partyId] = decodeCursor(cursor, ['count', 'string', 'uuid']);
  if (lanes[lane] === undefined || !OrderKeyHex.safeParse(orderKey).success) throw invalidCursor();
  return { lane, order_key: Buffer.from(orderKey, 'hex'), id: uuidToBytes(partyId) };
}

/** The sources of a search: names that start with `q`, and the number `q`. */
function found(q: string) {
  const key = nameKey(q);
  // Without a letter, what is searched for starts no name.
  const start = key === '' ? '' : `${key.replace(/[\\%_]/g, '\\$&')}%`;
  const named = sql`parties AS p JOIN personal AS c ON c.queue_id = p.queue_id AND c.party_id = p.id
    WHERE c.name_key LIKE ${start}`;
  if (!/^[0-9]{1,9}$/.test(key)) return [named];
  return [named, sql`parties AS p FORCE INDEX (parties_number) WHERE p.number = ${Number(key)}`];
}
