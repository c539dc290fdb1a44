import type { EventOf } from '@queue-manager/contracts/events';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { markAccountDeleted } from '../access/accounts.ts';
import { type DatabaseTransaction, inTransaction } from '../db/database.ts';
import type { Deps } from '../deps.ts';
import { removeVenue } from '../venues/remove-venue.ts';
import { deleteSendsOf } from './invitation-sends.ts';
import { endInvitationsBy } from './invitations.ts';

/**
 * Deletes the memberships and invitations of a deleted account. The user service refuses to delete the only owner of
 * a venue; a venue created after that check is deleted here, since nobody else could. Idempotent.
 */
export const onUserDeleted = (deps: Deps) =>
  async function onUserDeleted(event: EventOf<'user.deleted'>): Promise<void> {
    const userId = uuidToBytes(event.data.userId);
    const events = await inTransaction(deps.db, async (trx) => {
      await markAccountDeleted(trx, userId, deps.clock.now());
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
      const removed = [];
      for (const { venue_id } of owned) {
        for (const event of await removeVenue(deps, trx, venue_id, { kind: 'system' })) {
          removed.push(event);
        }
      }
      await trx.deleteFrom('members').where('user_id', '=', userId).execute();
      for (const venueId of venueIds) await endInvitationsBy(trx, { venueId, userId, role: null });
      await deleteSendsOf(trx, userId);
      return removed;
    });
    await deps.feed.committed(events);
  };

/**
 * Locks the account's venues, in the order of their ids. Changing members takes the venue's lock; without it, deleting
 * one owner while the other is demoted would leave a venue without an owner.
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
