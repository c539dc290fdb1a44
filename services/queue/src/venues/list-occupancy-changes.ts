import type { Actor } from '@queue-manager/contracts/events';
import { listOccupancyChanges as contract } from '@queue-manager/contracts/occupancy';
import { decodeCursor, encodeCursor } from '@queue-manager/service-kit/cursor';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import { route } from '@queue-manager/service-kit/route';
import { venueFor } from '../access/membership.ts';
import { pageOf } from '../db/page-of.ts';
import type { Deps } from '../deps.ts';

/** Latest first, by the `seq` that each change got under the venue's lock. */
export const listOccupancyChanges = ({ db }: Deps) =>
  route(contract, async function listOccupancyChanges({ params, query, claims }) {
    const venue = await venueFor(db, params.venueId, claims.sub, 'host');
    const [before] = query.cursor === undefined ? [] : decodeCursor(query.cursor, ['count']);
    const rows = await db
      .selectFrom('occupancy_changes')
      .selectAll()
      .where('venue_id', '=', venue.id)
      .$if(before !== undefined, (select) => select.where('seq', '<', before as number))
      .orderBy('seq', 'desc')
      .limit(query.limit + 1)
      .execute();
    const { shown, nextCursor } = pageOf(rows, query.limit, ({ seq }) => encodeCursor([seq]));
    return {
      data: shown.map((row) => ({
        id: bytesToUuid(row.id),
        time: row.time.toISOString(),
        delta: row.delta,
        occupancy: row.occupancy,
        partyId: row.party_id && bytesToUuid(row.party_id),
        actor: JSON.parse(row.actor) as Actor,
        override: row.override === 1,
        reason: row.reason,
      })),
      nextCursor,
    };
  });
