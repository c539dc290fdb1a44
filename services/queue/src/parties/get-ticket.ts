import { getTicket as contract } from '@queue-manager/contracts/guests';
import { route } from '@queue-manager/service-kit/route';
import { ticketParty } from '../access/ticket-party.ts';
import type { Deps } from '../deps.ts';
import { partyRecord } from '../line/snapshots.ts';
import { guestView } from './party-view.ts';

export const getTicket = (deps: Deps) =>
  route(contract, async ({ params }) => {
    const own = await ticketParty(deps, params.ticket);
    return guestView(deps, partyRecord(own.party), own);
  });
