import { removeMember as contract } from '@queue-manager/contracts/members';
import { route } from '@queue-manager/service-kit/route';
import { lockMember } from '../access/lock-member.ts';
import { venueFor } from '../access/membership.ts';
import { inTransaction } from '../db/database.ts';
import type { Deps } from '../deps.ts';
import { endInvitationsBy } from './invitations.ts';

export const removeMember = (deps: Deps) =>
  route(contract, async function removeMember({ params, claims }) {
    const { venueId, userId } = params;
    await venueFor(deps.db, venueId, claims.sub, 'owner');
    await inTransaction(deps.db, async (trx) => {
      const member = await lockMember(trx, venueId, userId, claims.sub);
      await member.requireAnotherOwner();
      await trx
        .deleteFrom('members')
        .where('venue_id', '=', member.venueId)
        .where('user_id', '=', member.userId)
        .execute();
      await endInvitationsBy(trx, { ...member, role: null });
    });
  });
