import { getParty as contract } from '@queue-manager/contracts/parties';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from './deps.ts';
import { partyFor } from './membership.ts';
import { partyRecord, staffView } from './party-view.ts';

export const getParty = (deps: Deps) =>
  route(contract, async ({ params, claims }) => {
    const { party } = await partyFor(deps.db, params.partyId, claims.sub, 'host');
    return staffView(deps, partyRecord(party));
  });
