import type { Actor } from '@queue-manager/contracts/events';
import type { LineEvent } from '@queue-manager/contracts/internal';
import type { DatabaseTransaction } from './database.ts';
import { closeForGood } from './delete-queue.ts';
import type { Deps } from './deps.ts';
import { changeLineWithin } from './line.ts';
import { lockVenue } from './lock-venue.ts';

/**
 * Removes a venue with its queues, its members, its tasks and every guest's personal data, as part of a
 * transaction; the caller hands the events to the feed after its commit. Throws `not-found` when somebody
 * else removed it meanwhile.
 */
export async function removeVenue(
  deps: Deps,
  trx: DatabaseTransaction,
  venueId: Buffer,
  actor: Actor,
): Promise<LineEvent[]> {
  const events: LineEvent[] = [];
  await lockVenue(trx, venueId);
  const queues = await trx
    .selectFrom('queues')
    .select(['id', 'deleted_at'])
    .where('venue_id', '=', venueId)
    .orderBy('id')
    .execute();
  for (const { id, deleted_at } of queues) {
    if (deleted_at === null) {
      const done = await changeLineWithin(deps, trx, id, (line) => closeForGood(line, actor));
      for (const event of done.events) events.push(event);
    }
    await trx.deleteFrom('personal').where('queue_id', '=', id).execute();
    // In somebody's words, and so about somebody.
    await trx.deleteFrom('reasons').where('queue_id', '=', id).execute();
  }
  await trx.deleteFrom('tasks').where('venue_id', '=', venueId).execute();
  await trx.deleteFrom('invitations').where('venue_id', '=', venueId).execute();
  await trx.deleteFrom('api_keys').where('venue_id', '=', venueId).execute();
  await trx.deleteFrom('members').where('venue_id', '=', venueId).execute();
  await trx
    .updateTable('venues')
    .set({ deleted_at: deps.clock.now() })
    .where('id', '=', venueId)
    .execute();
  return events;
}
