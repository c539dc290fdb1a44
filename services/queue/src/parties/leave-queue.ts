import { leaveQueue as contract } from '@queue-manager/contracts/guests';
import { route } from '@queue-manager/service-kit/route';
import { ticketParty } from '../access/ticket-party.ts';
import type { Deps } from '../deps.ts';
import { changeOwnPartyOnce } from './change-party-once.ts';

export const leaveQueue = (deps: Deps) =>
  route(contract, async (request) => {
    const own = await ticketParty(deps, request.params.ticket);
    return changeOwnPartyOnce(deps, contract, request, own, async (line) =>
      line.move(await line.party(own.party.id), 'leave', { kind: 'guest' }),
    );
  });
