import { deleteVenue as contract } from '@queue-manager/contracts/venues';
import { route } from '@queue-manager/service-kit/route';
import { venueFor } from '../access/membership.ts';
import { inTransaction } from '../db/database.ts';
import type { Deps } from '../deps.ts';
import { removeVenue } from './remove-venue.ts';

export const deleteVenue = (deps: Deps) =>
  route(contract, async function deleteVenue({ params, claims }) {
    const venue = await venueFor(deps.db, params.venueId, claims.sub, 'owner');
    const actor = { kind: 'staff', userId: claims.sub } as const;
    const events = await inTransaction(deps.db, (trx) => removeVenue(deps, trx, venue.id, actor));
    await deps.feed.committed(events);
  });
