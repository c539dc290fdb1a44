import { updateVenue as contract } from '@queue-manager/contracts/venues';
import { route } from '@queue-manager/service-kit/route';
import { lockVenue } from '../access/lock-venue.ts';
import { venueFor } from '../access/membership.ts';
import { changedOnly } from '../db/changed-only.ts';
import { inTransaction } from '../db/database.ts';
import type { Deps } from '../deps.ts';
import { insertOccupancyEvent } from '../line/occupancy.ts';
import { switchFeed } from '../venue-feed/feed-cursors.ts';
import { venueView } from './venue-view.ts';

export const updateVenue = ({ db, clock, feed }: Deps) =>
  route(contract, async function updateVenue({ params, body, claims }) {
    const { id, role } = await venueFor(db, params.venueId, claims.sub, 'manager');
    const { changed, events } = await inTransaction(db, async (trx) => {
      // Under the lock, so that the answer has the occupancy at the moment of the change.
      const venue = await lockVenue(trx, id);
      const changes = changedOnly(venue, {
        name: body.name,
        timezone: body.timezone,
        locale: body.locale,
        capacity: body.capacity,
        day_starts_at: body.dayStartsAt,
        retention_days: body.retentionDays,
        accent_color: body.accentColor,
        feed: body.feed === undefined ? undefined : Number(body.feed),
      });
      if (Object.keys(changes).length > 0) {
        // A shorter retention takes effect with the next housekeeping, within a minute.
        const isShorter = (changes.retention_days ?? Infinity) < venue.retention_days;
        const dueAt = isShorter ? { retention_due_at: clock.now() } : {};
        await trx
          .updateTable('venues')
          .set({ ...changes, ...dueAt })
          .where('id', '=', id)
          .execute();
      }
      if (changes.feed !== undefined) await switchFeed({ clock }, trx, id, changes.feed === 1);
      const changed = { ...venue, ...changes };
      const actor = { kind: 'staff', userId: claims.sub } as const;
      const events =
        changed.capacity === venue.capacity
          ? []
          : [await insertOccupancyEvent(clock, trx, changed, actor)];
      return { changed, events };
    });
    await feed.committed(events);
    return venueView(changed, role);
  });
