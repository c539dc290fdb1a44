import { confirmComing as contract } from '@queue-manager/contracts/guests';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import { changePartyOnce } from './change-party-once.ts';
import type { Deps } from './deps.ts';
import { guestView } from './party-view.ts';
import { ticketParty } from './ticket-party.ts';

export const confirmComing = (deps: Deps) =>
  route(contract, async ({ params, body, idempotencyKey }) => {
    const { party, queue } = await ticketParty(deps, params.ticket);
    // Nobody is left in a queue that was deleted, and its line cannot be changed any more.
    if (queue.isDeleted)
      throw problems.invalidTransition({ detail: `The party is ${party.state}.` });
    const request = {
      key: idempotencyKey,
      caller: bytesToUuid(party.id),
      operationId: contract.operationId,
      target: party.id,
      body,
    };
    const record = await changePartyOnce(deps, request, party.queue_id, async (line) => {
      const present = await line.partyFor(party.id, 'confirm');
      // Said before: a call is confirmed once, and its time doubled once.
      if (present.confirmed_at !== null) return present;
      return line.move(present, 'confirm', { kind: 'guest' });
    });
    return guestView(deps, record, queue);
  });
