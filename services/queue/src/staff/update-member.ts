import { updateMember as contract } from '@queue-manager/contracts/members';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { route } from '@queue-manager/service-kit/route';
import { lockMember } from '../access/lock-member.ts';
import { namesOf } from '../access/member-names.ts';
import { venueFor } from '../access/membership.ts';
import { inTransaction } from '../db/database.ts';
import type { Deps } from '../deps.ts';
import { endInvitationsBy } from './invitations.ts';

export const updateMember = (deps: Deps) =>
  route(contract, async function updateMember({ params, body, claims }) {
    const { venueId, userId } = params;
    await venueFor(deps.db, venueId, claims.sub, 'owner');
    await inTransaction(deps.db, async (trx) => {
      const member = await lockMember(trx, venueId, userId, claims.sub);
      if (body.role === member.role) return;
      await member.requireAnotherOwner();
      await trx
        .updateTable('members')
        .set({ role: body.role })
        .where('venue_id', '=', member.venueId)
        .where('user_id', '=', member.userId)
        .execute();
      await endInvitationsBy(trx, { ...member, role: body.role });
    });
    const [name = null] = await namesOf(deps, [uuidToBytes(userId)]);
    return { userId, name, role: body.role };
  });
