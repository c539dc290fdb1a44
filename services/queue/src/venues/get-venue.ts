import { getVenue as contract } from '@queue-manager/contracts/venues';
import { route } from '@queue-manager/service-kit/route';
import { venueFor } from '../access/membership.ts';
import type { Deps } from '../deps.ts';
import { venueView } from './venue-view.ts';

export const getVenue = ({ db }: Deps) =>
  route(contract, async function getVenue({ params, claims }) {
    const venue = await venueFor(db, params.venueId, claims.sub, 'host');
    return venueView(venue, venue.role);
  });
