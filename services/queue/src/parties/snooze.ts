import { snooze as contract } from '@queue-manager/contracts/guests';
import { limits } from '@queue-manager/contracts/values';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import { ticketParty } from '../access/ticket-party.ts';
import type { Deps } from '../deps.ts';
import { findNeighbours } from '../line/find-neighbours.ts';
import { assertMove } from '../line/line.ts';
import { placeBetween } from '../line/place-between.ts';
import { changeOwnPartyOnce } from './change-party-once.ts';

export const snooze = (deps: Deps) =>
  route(contract, async (request) => {
    const own = await ticketParty(deps, request.params.ticket);
    const { party, queue } = own;
    const { places, giveUpCall } = request.body;
    const neighboursOf = await findNeighbours(
      deps,
      party,
      queue.seq,
      { places },
      { called: giveUpCall },
    );
    return changeOwnPartyOnce(deps, contract, request, own, async (line) => {
      const present = await line.party(party.id);
      const move = giveUpCall && present.state === 'called' ? 'giveUpCall' : 'snooze';
      assertMove(present, move);
      if (present.snoozes >= limits.snoozesMax) {
        throw problems.snoozeLimitReached({
          detail: `You can let others go ahead up to ${limits.snoozesMax} times.`,
        });
      }
      const neighbours = neighboursOf();
      const place = await placeBetween(line, present, neighbours);
      return line.move(present, move, { kind: 'guest' }, { place, position: neighbours.position });
    });
  });
