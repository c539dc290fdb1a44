import { listQueues as contract } from '@queue-manager/contracts/queues';
import { route } from '@queue-manager/service-kit/route';
import { venueFor } from '../access/membership.ts';
import { decodeIdCursor, encodeIdCursor } from '../db/id-cursor.ts';
import { pageOf } from '../db/page-of.ts';
import type { Deps } from '../deps.ts';
import { queueView } from './queue-view.ts';

/** Oldest first: ids are ordered by creation time. */
export const listQueues = (deps: Deps) =>
  route(contract, async function listQueues({ params, query, claims }) {
    const venue = await venueFor(deps.db, params.venueId, claims.sub, 'host');
    const rows = await deps.db
      .selectFrom('queues')
      .selectAll()
      .where('venue_id', '=', venue.id)
      .where('deleted_at', 'is', null)
      .where('id', '>', decodeIdCursor(query.cursor))
      .orderBy('id')
      .limit(query.limit + 1)
      .execute();
    const { shown, nextCursor } = pageOf(rows, query.limit, ({ id }) => encodeIdCursor(id));
    return { data: shown.map((row) => queueView(deps, row)), nextCursor };
  });
