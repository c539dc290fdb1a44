import { listInvitations as contract } from '@queue-manager/contracts/members';
import { route } from '@queue-manager/service-kit/route';
import { venueFor } from '../access/membership.ts';
import { decodeIdCursor, encodeIdCursor } from '../db/id-cursor.ts';
import { pageOf } from '../db/page-of.ts';
import type { Deps } from '../deps.ts';
import { invitationView } from './invitations.ts';

/** Oldest first: ids are ordered by creation time. */
export const listInvitations = ({ db, clock }: Deps) =>
  route(contract, async function listInvitations({ params, query, claims }) {
    const venue = await venueFor(db, params.venueId, claims.sub, 'manager');
    const rows = await db
      .selectFrom('invitations')
      .selectAll()
      .where('venue_id', '=', venue.id)
      .where('expires_at', '>', clock.now())
      .where('id', '>', decodeIdCursor(query.cursor))
      .orderBy('id')
      .limit(query.limit + 1)
      .execute();
    const { shown, nextCursor } = pageOf(rows, query.limit, ({ id }) => encodeIdCursor(id));
    return { data: shown.map(invitationView), nextCursor };
  });
