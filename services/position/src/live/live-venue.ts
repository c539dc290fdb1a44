import { getVenueRole } from '@queue-manager/contracts/internal';
import { liveVenue } from '@queue-manager/contracts/live';
import { route } from '@queue-manager/service-kit/route';
import type { LiveDeps } from './live.ts';
import type { StaffStreams } from './staff-streams.ts';
import { readVenueEventId } from './venue-event-id.ts';

export const liveVenueForStaff = ({ live, queueService }: LiveDeps, staffStreams: StaffStreams) =>
  route(liveVenue, ({ params, claims, headers }, reply) => {
    // Ids are case-insensitive.
    const venueId = params.venueId.toLowerCase();
    return staffStreams.open(reply, {
      claims,
      async isMember() {
        const { role } = await queueService.call(getVenueRole, {
          params: { venueId, userId: claims.sub },
        });
        return role !== null;
      },
      follow: () =>
        live.venueEvents.follow(venueId, readVenueEventId(venueId, headers['last-event-id'])),
    });
  });
