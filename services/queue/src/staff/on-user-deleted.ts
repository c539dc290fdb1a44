import type { EventOf } from '@queue-manager/contracts/events';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { noteDeletedAccount } from '../access/accounts.ts';
import { type DatabaseTransaction, inTransaction } from '../db/database.ts';
import type { Deps } from '../deps.ts';
import { removeVenue } from '../venues/remove-venue.ts';
import { deleteSendsOf } from './invitation-sends.ts';
import { endInvitationsBy } from './invitations.ts';

/**
 * A deleted account is a member of nothing, and what it sent makes nobody one. The user service asks first
 * whether it is the only owner of a venue; a venue made between its asking and the deletion goes with it, since
 * nobody else could ever delete it. Doing this a second time changes nothing.
 */
export const onUserDeleted =
  (deps: Deps) =>
  async (event: EventOf<'user.deleted'>): Promise<void> => {
    const userId = uuidToBytes(event.data.userId);
    const events = await inTransaction(deps.db, async (trx) => {
      await noteDeletedAccount(trx, userId, deps.clock.now());
      const venueIds = await lockVenuesOf(trx, userId);
      const owned = await trx
        .selectFrom('members as m')
        .select('m.venue_id')
        .where('m.user_id', '=', userId)
        .where('m.role', '=', 'owner')
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('members as other')
                .select('other.user_id')
                .whereRef('other.venue_id', '=', 'm.venue_id')
                .where('other.role', '=', 'owner')
                .where('other.user_id', '!=', userId),
            ),
          ),
        )
        .orderBy('m.venue_id')
        .execute();
      const all = [];
      for (const { venue_id } of owned) {
        for (const one of await removeVenue(deps, trx, venue_id, { kind: 'system' })) all.push(one);
      }
      await trx.deleteFrom('members').where('user_id', '=', userId).execute();
      for (const venueId of venueIds) await endInvitationsBy(trx, { venueId, userId, role: null });
      await deleteSendsOf(trx, userId);
      return all;
    });
    await deps.feed.committed(events);
  };

/**
 * Whoever changes the members of a venue holds its lock. Without it, two owners of whom one is deleted and the
 * other is made a host at the same moment would leave a venue without an owner.
 */
async function lockVenuesOf(trx: DatabaseTransaction, userId: Buffer): Promise<Buffer[]> {
  const memberships = await trx
    .selectFrom('members')
    .select('venue_id')
    .where('user_id', '=', userId)
    .execute();
  const venueIds = memberships.map(({ venue_id }) => venue_id);
  if (venueIds.length > 0) {
    await trx
      .selectFrom('venues')
      .select('id')
      .where('id', 'in', venueIds)
      .orderBy('id')
      .forUpdate()
      .execute();
  }
  return venueIds;
}
