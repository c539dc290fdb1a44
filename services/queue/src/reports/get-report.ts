import { getReport as contract } from '@queue-manager/contracts/reports';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import { route } from '@queue-manager/service-kit/route';
import { queueFor } from '../access/membership.ts';
import type { Deps } from '../deps.ts';
import { periodOf } from './period.ts';
import { readFigures } from './read-figures.ts';

export const getReport = (deps: Deps) =>
  route(contract, async function getReport({ params, query, claims }) {
    // Before anything is read, so that a refusal costs next to nothing.
    return deps.reports.run(claims.sub, async () => {
      const { queue, venue } = await queueFor(deps.db, params.queueId, claims.sub, 'manager');
      const period = periodOf(query, venue, deps.clock.now());
      const figures = await readFigures(deps, venue, [queue.id], period);
      return { queueId: bytesToUuid(queue.id), ...figures };
    });
  });
