import { getVenueReport as contract } from '@queue-manager/contracts/reports';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import { invalidField } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import { venueFor } from '../access/membership.ts';
import type { Deps } from '../deps.ts';
import { periodOf } from './period.ts';
import { readFigures } from './read-figures.ts';

/** Includes queues that were deleted, since they were part of the night. */
export const getVenueReport = (deps: Deps) =>
  route(contract, async function getVenueReport({ params, query, claims }) {
    // Before anything is read, so that a refusal costs next to nothing.
    return deps.reports.run(claims.sub, async () => {
      const venue = await venueFor(deps.db, params.venueId, claims.sub, 'manager');
      const period = periodOf(query, venue, deps.clock.now());
      const chosen =
        query.queues === undefined ? null : [...new Set(query.queues)].map(uuidToBytes);
      const rows = await deps.db
        .selectFrom('queues')
        .select('id')
        .where('venue_id', '=', venue.id)
        .$if(chosen !== null, (queues) => queues.where('id', 'in', chosen as Buffer[]))
        .orderBy('id')
        .execute();
      const ids = rows.map(({ id }) => id);
      if (chosen !== null && ids.length < chosen.length) {
        throw invalidField('queues', 'must be queues of this venue');
      }
      const figures = await readFigures(deps, venue, ids, period);
      return { venueId: bytesToUuid(venue.id), queueIds: ids.map(bytesToUuid), ...figures };
    });
  });
