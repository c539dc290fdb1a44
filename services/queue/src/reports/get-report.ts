import { getReport as contract } from '@queue-manager/contracts/reports';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import { route } from '@queue-manager/service-kit/route';
import { queueFor } from '../access/membership.ts';
import type { Deps } from '../deps.ts';
import { periodOf } from './period.ts';
import { readFigures } from './read-figures.ts';

export const getReport = (deps: Deps) =>
  route(contract, async function getReport({ params, query, claims }) {
    const { queue, venue } = await queueFor(deps.db, params.queueId, claims.sub, 'manager');
    const period = periodOf(query, venue, deps.clock.now());
    const figures = await readFigures(deps, claims.sub, venue, [queue.id], period);
    return { queueId: bytesToUuid(queue.id), ...figures };
  });
