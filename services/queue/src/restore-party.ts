import { restoreParty as contract } from '@queue-manager/contracts/parties';
import { route } from '@queue-manager/service-kit/route';
import { movePartyOnce } from './change-party-once.ts';
import type { Deps } from './deps.ts';

export const restoreParty = (deps: Deps) =>
  route(contract, (request) => movePartyOnce(deps, request, contract.operationId, 'restore'));
