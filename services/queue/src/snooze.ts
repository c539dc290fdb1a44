import { snooze as contract } from '@queue-manager/contracts/guests';
import { limits } from '@queue-manager/contracts/values';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import { changePartyOnce } from './change-party-once.ts';
import type { Deps } from './deps.ts';
import { findSpots } from './find-spots.ts';
import { guestView } from './party-view.ts';
import { placeBetween } from './place-between.ts';
import { ticketParty } from './ticket-party.ts';

export const snooze = (deps: Deps) =>
  route(contract, async ({ params, body, idempotencyKey }) => {
    const { party, queue } = await ticketParty(deps, params.ticket);
    // Nobody is left in a queue that was deleted, and its line cannot be changed any more.
    if (queue.isDeleted)
      throw problems.invalidTransition({ detail: `The party is ${party.state}.` });
    const spotsOf = await findSpots(deps, party, queue.seq, { places: body.places });
    const request = {
      key: idempotencyKey,
      caller: bytesToUuid(party.id),
      operationId: contract.operationId,
      target: party.id,
      body,
    };
    const record = await changePartyOnce(deps, request, party.queue_id, async (line) => {
      const present = await line.partyFor(party.id, 'snooze');
      if (present.snoozes >= limits.snoozesMax) {
        throw problems.snoozeLimitReached({
          detail: `Others can be let first ${limits.snoozesMax} times.`,
        });
      }
      const spots = spotsOf();
      const place = await placeBetween(line, present, spots);
      return line.move(present, 'snooze', { kind: 'guest' }, { place, position: spots.position });
    });
    return guestView(deps, record, queue);
  });
