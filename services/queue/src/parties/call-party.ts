import { callParty as contract } from '@queue-manager/contracts/parties';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { movePartyOnce } from './change-party-once.ts';

/** Calling a called party is a recall, also when two hosts call it at the same moment. */
export const callParty = (deps: Deps) =>
  route(contract, (request) => movePartyOnce(deps, contract, request, 'call'));
