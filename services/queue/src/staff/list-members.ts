import { listMembers as contract } from '@queue-manager/contracts/members';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import { route } from '@queue-manager/service-kit/route';
import { namesOf } from '../access/member-names.ts';
import { venueFor } from '../access/membership.ts';
import { decodeIdCursor, encodeIdCursor } from '../db/id-cursor.ts';
import { pageOf } from '../db/page-of.ts';
import type { Deps } from '../deps.ts';

/** Oldest account first: ids are ordered by creation time. */
export const listMembers = (deps: Deps) =>
  route(contract, async function listMembers({ params, query, claims }) {
    const venue = await venueFor(deps.db, params.venueId, claims.sub, 'host');
    const rows = await deps.db
      .selectFrom('members')
      .select(['user_id', 'role'])
      .where('venue_id', '=', venue.id)
      .where('user_id', '>', decodeIdCursor(query.cursor))
      .orderBy('user_id')
      .limit(query.limit + 1)
      .execute();
    const { shown, nextCursor } = pageOf(rows, query.limit, ({ user_id }) =>
      encodeIdCursor(user_id),
    );
    const names = await namesOf(
      deps,
      shown.map(({ user_id }) => user_id),
    );
    return {
      data: shown.map(({ user_id, role }, index) => ({
        userId: bytesToUuid(user_id),
        name: names[index] ?? null,
        role,
      })),
      nextCursor,
    };
  });
