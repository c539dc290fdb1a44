import { moveParty as contract } from '@queue-manager/contracts/parties';
import { route } from '@queue-manager/service-kit/route';
import { idempotent } from '../access/idempotent.ts';
import { partyFor } from '../access/membership.ts';
import type { Deps } from '../deps.ts';
import { findNeighbours } from '../line/find-neighbours.ts';
import { placeBetween } from '../line/place-between.ts';
import { changePartyOnce } from './change-party-once.ts';
import { staffView } from './party-view.ts';

export const moveParty = (deps: Deps) =>
  route(contract, async (request) => {
    const { params, body, claims } = request;
    const { party, queueSeq } = await partyFor(deps.db, params.partyId, claims.sub, 'host');
    const neighboursOf = await findNeighbours(deps, party, queueSeq, { position: body.position });
    const record = await changePartyOnce(
      deps,
      idempotent(contract, request, party.id),
      party.queue_id,
      async (line) => {
        const present = await line.partyFor(party.id, 'move', body.seq);
        const neighbours = neighboursOf();
        return line.move(
          present,
          'move',
          { kind: 'staff', userId: claims.sub },
          {
            reason: body.reason,
            place: await placeBetween(line, present, neighbours),
            position: neighbours.position,
          },
        );
      },
    );
    return staffView(deps, record);
  });
