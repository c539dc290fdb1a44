import { departParty as contract } from '@queue-manager/contracts/parties';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { movePartyOnce } from './change-party-once.ts';

export const departParty = (deps: Deps) =>
  route(contract, (request) => movePartyOnce(deps, contract, request, 'depart'));
