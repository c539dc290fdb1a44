import { listVenues as contract } from '@queue-manager/contracts/venues';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { route } from '@queue-manager/service-kit/route';
import { decodeIdCursor, encodeIdCursor } from '../db/id-cursor.ts';
import { pageOf } from '../db/page-of.ts';
import type { Deps } from '../deps.ts';
import { venueView } from './venue-view.ts';

/** Oldest first: ids are ordered by creation time. */
export const listVenues = ({ db }: Deps) =>
  route(contract, async function listVenues({ query, claims }) {
    const rows = await db
      .selectFrom('members as m')
      .innerJoin('venues as v', 'v.id', 'm.venue_id')
      .selectAll('v')
      .select('m.role')
      .where('m.user_id', '=', uuidToBytes(claims.sub))
      .where('v.deleted_at', 'is', null)
      .where('m.venue_id', '>', decodeIdCursor(query.cursor))
      .orderBy('m.venue_id')
      .limit(query.limit + 1)
      .execute();
    const { shown, nextCursor } = pageOf(rows, query.limit, ({ id }) => encodeIdCursor(id));
    return { data: shown.map((row) => venueView(row, row.role)), nextCursor };
  });
