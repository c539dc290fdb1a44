import { revokeInvitation as contract } from '@queue-manager/contracts/members';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import { lockVenue } from '../access/lock-venue.ts';
import { venueFor } from '../access/membership.ts';
import { inTransaction } from '../db/database.ts';
import type { Deps } from '../deps.ts';
import { requireGrantable } from './invitations.ts';

/** A mail that was not handed out yet finds no invitation and is not sent. */
export const revokeInvitation = (deps: Deps) =>
  route(contract, async function revokeInvitation({ params, claims }) {
    const venue = await venueFor(deps.db, params.venueId, claims.sub, 'manager');
    await inTransaction(deps.db, async (trx) => {
      await lockVenue(trx, venue.id);
      const { role } = await venueFor(trx, params.venueId, claims.sub, 'manager');
      const invitation = await trx
        .selectFrom('invitations')
        .select(['id', 'role'])
        .where('venue_id', '=', venue.id)
        .where('id', '=', uuidToBytes(params.invitationId))
        .where('expires_at', '>', deps.clock.now())
        .executeTakeFirst();
      if (invitation === undefined) throw problems.notFound();
      requireGrantable(role, invitation.role);
      await trx.deleteFrom('invitations').where('id', '=', invitation.id).execute();
    });
  });
