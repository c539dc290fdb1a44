import { confirmComing as contract } from '@queue-manager/contracts/guests';
import { route } from '@queue-manager/service-kit/route';
import { ticketParty } from '../access/ticket-party.ts';
import type { Deps } from '../deps.ts';
import { changeOwnPartyOnce } from './change-party-once.ts';

export const confirmComing = (deps: Deps) =>
  route(contract, async (request) => {
    const own = await ticketParty(deps, request.params.ticket);
    return changeOwnPartyOnce(deps, contract, request, own, async (line) => {
      const present = await line.partyFor(own.party.id, 'confirm');
      // A call is confirmed once, so its grace time is doubled only once.
      if (present.confirmed_at !== null) return present;
      return line.move(present, 'confirm', { kind: 'guest' });
    });
  });
