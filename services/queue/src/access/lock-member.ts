import type { Role } from '@queue-manager/contracts/venues';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import type { DatabaseTransaction } from '../db/database.ts';
import { lockVenue } from './lock-venue.ts';
import { venueFor } from './membership.ts';

/** A member of a venue, and what it may become. */
export type LockedMember = {
  venueId: Buffer;
  userId: Buffer;
  role: Role;
  /** Throws `last-owner` when the member is the only owner, and the venue would be nobody's without it. */
  requireAnotherOwner(): Promise<void>;
};

/**
 * A member that an owner is about to change, under the venue's lock: until this transaction ends nobody else
 * changes who works there. The caller must still be an owner then. Throws `not-found` for who is no member.
 */
export async function lockMember(
  trx: DatabaseTransaction,
  venueId: string,
  userId: string,
  callerId: string,
): Promise<LockedMember> {
  const venue = await lockVenue(trx, uuidToBytes(venueId));
  await venueFor(trx, venueId, callerId, 'owner');
  const id = uuidToBytes(userId);
  const member = await trx
    .selectFrom('members')
    .select('role')
    .where('venue_id', '=', venue.id)
    .where('user_id', '=', id)
    .executeTakeFirst();
  if (member === undefined)
    throw problems.notFound({ detail: 'This account is not a member of the venue.' });
  return {
    venueId: venue.id,
    userId: id,
    role: member.role,
    async requireAnotherOwner() {
      if (member.role !== 'owner') return;
      const other = await trx
        .selectFrom('members')
        .select('user_id')
        .where('venue_id', '=', venue.id)
        .where('role', '=', 'owner')
        .where('user_id', '!=', id)
        .limit(1)
        .executeTakeFirst();
      if (other === undefined) {
        throw problems.lastOwner({
          detail: 'This is the only owner. Make another member an owner first.',
        });
      }
    },
  };
}
