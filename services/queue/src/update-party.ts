import { updateParty as contract } from '@queue-manager/contracts/parties';
import { route } from '@queue-manager/service-kit/route';
import { tooLarge } from './admit-party.ts';
import { definedOnly } from './defined-only.ts';
import type { Deps } from './deps.ts';
import { changeLine } from './line.ts';
import { partyFor } from './membership.ts';
import { partyRecord, staffView } from './party-view.ts';

export const updateParty = (deps: Deps) =>
  route(contract, async ({ params, body, claims, id }) => {
    const { party } = await partyFor(deps.db, params.partyId, claims.sub, 'host');
    const person = definedOnly({
      name: body.name,
      name_key: body.name?.toLowerCase(),
      email: body.email,
      email_key: body.email?.toLowerCase() ?? body.email,
      phone: body.phone,
      notes: body.notes,
    });
    const { size } = body;
    if (Object.keys(person).length === 0 && size === undefined) {
      return staffView(deps, partyRecord(party), id);
    }
    const { result, events } = await changeLine(deps, party.queue_id, async (line) => {
      if (size !== undefined && size > line.queue.max_party_size)
        throw tooLarge(line.queue.max_party_size);
      if (Object.keys(person).length > 0) {
        await line.trx
          .updateTable('personal')
          .set(person)
          .where('queue_id', '=', party.queue_id)
          .where('party_id', '=', party.id)
          .execute();
      }
      return line.changeParty(await line.party(party.id), 'party.changed', definedOnly({ size }), {
        kind: 'staff',
        userId: claims.sub,
      });
    });
    for (const event of events) await deps.feed.placeAfter(event);
    return staffView(deps, partyRecord(result), id);
  });
