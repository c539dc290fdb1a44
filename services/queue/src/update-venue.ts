import { updateVenue as contract } from '@queue-manager/contracts/venues';
import { route } from '@queue-manager/service-kit/route';
import { changedOnly } from './changed-only.ts';
import type { Deps } from './deps.ts';
import { venueFor } from './membership.ts';
import { venueView } from './venue-view.ts';

export const updateVenue = ({ db }: Deps) =>
  route(contract, async ({ params, body, claims }) => {
    const venue = await venueFor(db, params.venueId, claims.sub, 'manager');
    const changes = changedOnly(venue, {
      name: body.name,
      timezone: body.timezone,
      locale: body.locale,
      capacity: body.capacity,
      day_starts_at: body.dayStartsAt,
      retention_days: body.retentionDays,
    });
    if (Object.keys(changes).length > 0) {
      await db.updateTable('venues').set(changes).where('id', '=', venue.id).execute();
    }
    return venueView({ ...venue, ...changes }, venue.role);
  });
