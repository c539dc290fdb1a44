import { removeParty as contract } from '@queue-manager/contracts/parties';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { movePartyOnce } from './change-party-once.ts';

export const removeParty = (deps: Deps) =>
  route(contract, (request) => movePartyOnce(deps, contract, request, 'remove'));
