import { problems } from '@queue-manager/service-kit/problems';
import type { DatabaseTransaction } from './database.ts';

/**
 * Until this transaction ends nobody else makes or deletes a queue of the venue, or the venue. Taken before
 * the row of any of its lines. Throws `not-found` when the venue was deleted meanwhile.
 */
export async function lockVenue(trx: DatabaseTransaction, venueId: Buffer): Promise<void> {
  const venue = await trx
    .selectFrom('venues')
    .select('id')
    .where('id', '=', venueId)
    .where('deleted_at', 'is', null)
    .forUpdate()
    .executeTakeFirst();
  if (venue === undefined) throw problems.notFound();
}
