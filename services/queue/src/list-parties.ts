import { listParties as contract } from '@queue-manager/contracts/parties';
import { decodeCursor, encodeCursor } from '@queue-manager/service-kit/cursor';
import { bytesToUuid, isUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import { invalidField } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import { sql } from 'kysely';
import type { Deps } from './deps.ts';
import { behind } from './line-order.ts';
import { type PartyRow, queueFor } from './membership.ts';
import { loadPlaces, partyRecord, staffViews } from './party-view.ts';
import { laneIndex } from './snapshots.ts';

/**
 * A page in the order of the line. Each state is a range of `parties_line` that is in order already; the
 * page is the head of their merge, so that its cost does not depend on how long the line or its past is.
 */
export const listParties = (deps: Deps) =>
  route(contract, async ({ params, query, claims, id: requestId }) => {
    const { queue } = await queueFor(deps.db, params.queueId, claims.sub, 'host');
    const { limit, q } = query;
    const lane = query.lane === undefined ? sql`` : sql`AND p.lane = ${laneIndex(query.lane)}`;
    const inOrder = sql`ORDER BY lane, order_key, id LIMIT ${limit + 1}`;
    const after = query.cursor === undefined ? sql`` : sql`AND ${afterCursor(query.cursor)}`;
    const states = [...new Set(query.state)];

    const heads = states.map((state) =>
      q === undefined
        ? sql`(SELECT p.* FROM parties AS p FORCE INDEX (parties_line)
               WHERE p.queue_id = ${queue.id} AND p.state = ${state} ${lane} ${after} ${inOrder})`
        : sql`(SELECT p.* FROM parties AS p
               JOIN personal AS c ON c.queue_id = p.queue_id AND c.party_id = p.id
               WHERE p.queue_id = ${queue.id} AND p.state = ${state} AND ${matches(q)} ${lane} ${after} ${inOrder})`,
    );
    const { rows } = await sql<PartyRow>`
      SELECT * FROM (${sql.join(heads, sql` UNION ALL `)}) AS heads ${inOrder}`.execute(deps.db);

    const shown = rows.slice(0, limit);
    const last = rows.length > limit ? shown.at(-1) : undefined;
    const records = shown.map(partyRecord);
    return {
      data: await staffViews(deps, records, await loadPlaces(deps, records, requestId)),
      nextCursor:
        last === undefined
          ? null
          : encodeCursor([last.lane, last.order_key.toString('hex'), bytesToUuid(last.id)]),
    };
  });

function afterCursor(cursor: string) {
  const [lane, orderKey, partyId] = decodeCursor(cursor, ['number', 'string', 'string']);
  if (!isUuid(partyId)) throw invalidField('cursor', 'is not a cursor of this list');
  return behind('p', { lane, order_key: Buffer.from(orderKey, 'hex'), id: uuidToBytes(partyId) });
}

/** The start of a name in any case, or a guest's number. */
function matches(q: string) {
  const start = `${q.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`;
  return /^[0-9]{1,9}$/.test(q)
    ? sql`(c.name_key LIKE ${start} OR p.number = ${Number(q)})`
    : sql`c.name_key LIKE ${start}`;
}
