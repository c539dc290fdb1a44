import { listApiKeys as contract } from '@queue-manager/contracts/api-keys';
import { route } from '@queue-manager/service-kit/route';
import { apiKeyView } from '../access/api-key.ts';
import { venueFor } from '../access/membership.ts';
import { decodeIdCursor, encodeIdCursor } from '../db/id-cursor.ts';
import { pageOf } from '../db/page-of.ts';
import type { Deps } from '../deps.ts';

/** Oldest first: ids are ordered by creation time. */
export const listApiKeys = ({ db }: Deps) =>
  route(contract, async function listApiKeys({ params, query, claims }) {
    const venue = await venueFor(db, params.venueId, claims.sub, 'manager');
    const rows = await db
      .selectFrom('api_keys')
      .select(['id', 'name', 'created_by', 'created_at'])
      .where('venue_id', '=', venue.id)
      .where('id', '>', decodeIdCursor(query.cursor))
      .orderBy('id')
      .limit(query.limit + 1)
      .execute();
    const { shown, nextCursor } = pageOf(rows, query.limit, ({ id }) => encodeIdCursor(id));
    return { data: shown.map(apiKeyView), nextCursor };
  });
