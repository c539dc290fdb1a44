import type { LineEvent } from '@queue-manager/contracts/internal';
import { deleteVenue as contract } from '@queue-manager/contracts/venues';
import { route } from '@queue-manager/service-kit/route';
import { inTransaction } from './database.ts';
import { closeForGood } from './delete-queue.ts';
import type { Deps } from './deps.ts';
import { changeLineWithin } from './line.ts';
import { lockVenue } from './lock-venue.ts';
import { venueFor } from './membership.ts';

/** A venue goes with its queues, its members, its tasks and every guest's personal data, in one transaction. */
export const deleteVenue = (deps: Deps) =>
  route(contract, async ({ params, claims }) => {
    const { db, clock, feed } = deps;
    const venue = await venueFor(db, params.venueId, claims.sub, 'owner');
    const events = await inTransaction(db, async (trx) => {
      const all: LineEvent[] = [];
      await lockVenue(trx, venue.id);
      const queues = await trx
        .selectFrom('queues')
        .select(['id', 'deleted_at'])
        .where('venue_id', '=', venue.id)
        .orderBy('id')
        .execute();
      for (const { id, deleted_at } of queues) {
        if (deleted_at === null) {
          const done = await changeLineWithin(deps, trx, id, (line) =>
            closeForGood(line, { kind: 'staff', userId: claims.sub }),
          );
          for (const event of done.events) all.push(event);
        }
        await trx.deleteFrom('personal').where('queue_id', '=', id).execute();
        // In somebody's words, and so about somebody.
        await trx.deleteFrom('reasons').where('queue_id', '=', id).execute();
      }
      await trx.deleteFrom('tasks').where('venue_id', '=', venue.id).execute();
      await trx.deleteFrom('members').where('venue_id', '=', venue.id).execute();
      await trx
        .updateTable('venues')
        .set({ deleted_at: clock.now() })
        .where('id', '=', venue.id)
        .execute();
      return all;
    });
    await feed.committed(events);
  });
