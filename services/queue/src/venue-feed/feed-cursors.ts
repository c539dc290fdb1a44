import type { Clock } from '@queue-manager/service-kit/clock';
import { sql } from 'kysely';
import type { DatabaseTransaction } from '../db/database.ts';
import type { VenueRow } from '../db/tables.ts';

/**
 * Starts or ends the feed of a venue, under the venue's lock: its queues' events from now on are sent. The lock of the
 * venue keeps queues from being created meanwhile.
 */
export async function switchFeed(
  { clock }: { clock: Clock },
  trx: DatabaseTransaction,
  venueId: Buffer,
  isOn: boolean,
): Promise<void> {
  if (!isOn) {
    await trx.deleteFrom('feed_cursors').where('venue_id', '=', venueId).execute();
    return;
  }
  await sql`
    INSERT INTO feed_cursors (venue_id, queue_id, seq, leased_until)
    SELECT venue_id, id, seq, ${clock.now()} FROM queues
    WHERE venue_id = ${venueId} AND deleted_at IS NULL`.execute(trx);
}

/** Adds a new queue to the feed of its venue, if that has one, under the venue's lock. */
export async function feedNewQueue(
  { clock }: { clock: Clock },
  trx: DatabaseTransaction,
  { id, feed }: VenueRow,
  queueId: Buffer,
): Promise<void> {
  if (feed === 0) return;
  await trx
    .insertInto('feed_cursors')
    .values({ venue_id: id, queue_id: queueId, seq: 0, leased_until: clock.now() })
    .execute();
}
