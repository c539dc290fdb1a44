import { getParty as contract } from '@queue-manager/contracts/parties';
import { route } from '@queue-manager/service-kit/route';
import { partyFor } from '../access/membership.ts';
import type { Deps } from '../deps.ts';
import { partyRecord } from '../line/snapshots.ts';
import { staffView } from './party-view.ts';

export const getParty = (deps: Deps) =>
  route(contract, async ({ params, claims }) => {
    const { party } = await partyFor(deps.db, params.partyId, claims.sub, 'host');
    return staffView(deps, partyRecord(party));
  });
