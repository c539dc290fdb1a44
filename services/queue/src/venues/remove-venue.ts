import { type Actor, makeEvent } from '@queue-manager/contracts/events';
import { bytesToUuid, newId } from '@queue-manager/service-kit/ids';
import { lockVenue } from '../access/lock-venue.ts';
import type { DatabaseTransaction } from '../db/database.ts';
import type { Deps } from '../deps.ts';
import { lockLine } from '../line/line.ts';
import { insertEvents, type StoredEvent } from '../line/line-event.ts';
import { closeForGood } from '../queues/delete-queue.ts';

/**
 * Deletes a venue with its queues, members, invitations, API keys and scheduled tasks within a transaction. The
 * caller hands the returned events to the feed after the commit. Tasks remove the parties in line; then the handler of
 * `venue.deleted` erases the guests' personal data, which may be years of it. Throws `not-found` when the venue was deleted concurrently.
 */
export async function removeVenue(
  deps: Deps,
  trx: DatabaseTransaction,
  venueId: Buffer,
  actor: Actor,
): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  const now = deps.clock.now();
  await lockVenue(trx, venueId);
  const queues = await trx
    .selectFrom('queues')
    .select('id')
    .where('venue_id', '=', venueId)
    .where('deleted_at', 'is', null)
    .orderBy('id')
    .execute();
  for (const { id } of queues) {
    const line = await lockLine(deps, trx, id);
    await closeForGood(deps, line, actor);
    for (const event of await line.write()) events.push(event);
  }
  await trx
    .deleteFrom('tasks')
    .where('venue_id', '=', venueId)
    .where('state', '=', 'scheduled')
    .where('kind', 'not in', ['queue.delete', 'notify.removed'])
    .execute();
  await trx.deleteFrom('invitations').where('venue_id', '=', venueId).execute();
  await trx.deleteFrom('feed_cursors').where('venue_id', '=', venueId).execute();
  await trx.deleteFrom('api_keys').where('venue_id', '=', venueId).execute();
  await trx.deleteFrom('members').where('venue_id', '=', venueId).execute();
  await trx.updateTable('venues').set({ deleted_at: now }).where('id', '=', venueId).execute();
  const event = makeEvent({
    id: newId(deps.clock),
    source: '/queue',
    type: 'venue.deleted',
    subject: bytesToUuid(venueId),
    time: now.toISOString(),
    data: { venueId: bytesToUuid(venueId) },
  });
  await insertEvents(trx, [event]);
  return [...events, event];
}
