import { deleteVenue as contract } from '@queue-manager/contracts/venues';
import { route } from '@queue-manager/service-kit/route';
import { venueFor } from '../access/membership.ts';
import { inTransaction } from '../db/database.ts';
import type { Deps } from '../deps.ts';
import { shortenLine } from '../queues/delete-queue.ts';
import { removeVenue } from './remove-venue.ts';

export const deleteVenue = (deps: Deps) =>
  route(contract, async function deleteVenue({ params, claims }) {
    const venue = await venueFor(deps.db, params.venueId, claims.sub, 'owner');
    const actor = { kind: 'staff', userId: claims.sub } as const;
    const queues = await deps.db
      .selectFrom('queues')
      .select(['id', 'waiting', 'called'])
      .where('venue_id', '=', venue.id)
      .where('deleted_at', 'is', null)
      .execute();
    for (const queue of queues) await shortenLine(deps, queue, actor);
    const events = await inTransaction(deps.db, (trx) => removeVenue(deps, trx, venue.id, actor));
    await deps.feed.committed(events);
  });
