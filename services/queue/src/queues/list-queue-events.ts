import { listQueueEvents as contract } from '@queue-manager/contracts/history';
import { route } from '@queue-manager/service-kit/route';
import { queueFor } from '../access/membership.ts';
import type { Deps } from '../deps.ts';
import { historyPage } from '../line/history-page.ts';

export const listQueueEvents = (deps: Deps) =>
  route(contract, async function listQueueEvents({ params, query, claims }) {
    const { queue, venue } = await queueFor(deps.db, params.queueId, claims.sub, 'host');
    return historyPage(deps, { queueId: queue.id, venue }, query);
  });
