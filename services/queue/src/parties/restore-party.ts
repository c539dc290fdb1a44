import { restoreParty as contract } from '@queue-manager/contracts/parties';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { markReturned } from '../join/mark-duplicates.ts';
import { movePartyOnce } from './change-party-once.ts';

export const restoreParty = (deps: Deps) =>
  route(contract, (request) => movePartyOnce(deps, contract, request, 'restore', markReturned));
