import { problems } from '@queue-manager/service-kit/problems';
import type { DatabaseTransaction } from '../db/database.ts';
import type { VenueRow } from '../db/tables.ts';

/**
 * Locks the venue's row and returns it. The lock serialises creating and deleting the venue's queues, changes of
 * its members and occupancy, and its deletion. Take it before the lock of any of its queues. Throws `not-found`
 * when the venue was deleted.
 */
export async function lockVenue(trx: DatabaseTransaction, venueId: Buffer): Promise<VenueRow> {
  const venue = await trx
    .selectFrom('venues')
    .selectAll()
    .where('id', '=', venueId)
    .where('deleted_at', 'is', null)
    .forUpdate()
    .executeTakeFirst();
  if (venue === undefined) throw problems.notFound();
  return venue;
}
