import { problems } from '@queue-manager/service-kit/problems';
import type { DatabaseTransaction } from '../db/database.ts';
import type { VenueRow } from '../db/tables.ts';

/**
 * The venue's row under its lock. Until this transaction ends nobody else makes or deletes a queue of the
 * venue, changes its members or how many people are in it, or deletes it. Taken before the row of any of its
 * lines. Throws `not-found` when the venue was deleted meanwhile.
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
