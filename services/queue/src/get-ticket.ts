import { getTicket as contract } from '@queue-manager/contracts/guests';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from './deps.ts';
import { guestView, partyRecord } from './party-view.ts';
import { ticketParty } from './ticket-party.ts';

export const getTicket = (deps: Deps) =>
  route(contract, async ({ params }) => {
    const { party, queue } = await ticketParty(deps, params.ticket);
    return guestView(deps, partyRecord(party), queue);
  });
