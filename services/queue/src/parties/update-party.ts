import { updateParty as contract } from '@queue-manager/contracts/parties';
import { normaliseEmail } from '@queue-manager/contracts/values';
import { route } from '@queue-manager/service-kit/route';
import { partyFor } from '../access/membership.ts';
import { changedOnly } from '../db/changed-only.ts';
import type { Deps } from '../deps.ts';
import { tooLarge } from '../join/admit-party.ts';
import { changeLine } from '../line/line.ts';
import { partyRecord } from '../line/snapshots.ts';
import { staffView } from './party-view.ts';

export const updateParty = (deps: Deps) =>
  route(contract, async ({ params, body, claims }) => {
    const { size, override, reason } = body;
    const least = override ? 'manager' : 'host';
    const { party, venue } = await partyFor(deps.db, params.partyId, claims.sub, least);
    const actor = { kind: 'staff', userId: claims.sub } as const;
    const record = await changeLine(
      deps,
      party.queue_id,
      async (line) => {
        const current = await line.party(party.id);
        const changes = changedOnly(current, { size });
        const { max_party_size } = line.queue;
        if (changes.size !== undefined && changes.size > max_party_size) {
          throw tooLarge(max_party_size);
        }
        const person = await line.trx
          .selectFrom('personal')
          .selectAll()
          .where('queue_id', '=', party.queue_id)
          .where('party_id', '=', party.id)
          .executeTakeFirst();
        // What was erased stays erased.
        const personChanges =
          person === undefined
            ? {}
            : changedOnly(person, {
                name: body.name,
                name_key: body.name?.toLowerCase(),
                email: body.email,
                email_key: body.email ? normaliseEmail(body.email) : body.email,
                phone: body.phone,
                notes: body.notes,
              });
        const isPersonChanged = Object.keys(personChanges).length > 0;
        if (isPersonChanged) {
          await line.trx
            .updateTable('personal')
            .set(personChanges)
            .where('queue_id', '=', party.queue_id)
            .where('party_id', '=', party.id)
            .execute();
        }
        if (!isPersonChanged && changes.size === undefined) return partyRecord(current);
        // Only who sits there takes places.
        const isOverridden =
          changes.size !== undefined &&
          current.state === 'seated' &&
          (await line.occupancy.change({
            delta: changes.size - current.size,
            actor,
            party: current,
            override,
            reason,
          }));
        return partyRecord(
          await line.changeParty(current, 'party.changed', changes, actor, {
            reason,
            override: isOverridden,
          }),
        );
      },
      { occupancyOf: size === undefined ? undefined : venue.id },
    );
    return staffView(deps, record);
  });
