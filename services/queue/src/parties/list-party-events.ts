import { listPartyEvents as contract } from '@queue-manager/contracts/history';
import { route } from '@queue-manager/service-kit/route';
import { partyFor } from '../access/membership.ts';
import type { Deps } from '../deps.ts';
import { historyPage } from '../line/history-page.ts';

export const listPartyEvents = (deps: Deps) =>
  route(contract, async ({ params, query, claims }) => {
    const { party, venue } = await partyFor(deps.db, params.partyId, claims.sub, 'host');
    return historyPage(deps, { queueId: party.queue_id, partyId: party.id, venue }, query);
  });
