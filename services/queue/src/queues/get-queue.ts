import { getQueue as contract } from '@queue-manager/contracts/queues';
import { route } from '@queue-manager/service-kit/route';
import { queueFor } from '../access/membership.ts';
import type { Deps } from '../deps.ts';
import { queueView } from './queue-view.ts';

export const getQueue = (deps: Deps) =>
  route(contract, async function getQueue({ params, claims }) {
    const { queue } = await queueFor(deps.db, params.queueId, claims.sub, 'host');
    return queueView(deps, queue);
  });
