import { updateParty as contract } from '@queue-manager/contracts/parties';
import { normaliseEmail } from '@queue-manager/contracts/values';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import { route } from '@queue-manager/service-kit/route';
import type { z } from 'zod';
import { partyFor } from '../access/membership.ts';
import { changedOnly } from '../db/changed-only.ts';
import { type DatabaseTransaction, inTransaction } from '../db/database.ts';
import { nameKey } from '../db/name-key.ts';
import type { PartyRow } from '../db/tables.ts';
import type { Deps } from '../deps.ts';
import { tooLarge } from '../join/admit-party.ts';
import { dialablePhone } from '../join/dialable-phone.ts';
import { planNewAddress } from '../line/follow-up.ts';
import { lockLine } from '../line/line.ts';
import { partyRecord } from '../line/snapshots.ts';
import { staffView } from './party-view.ts';

type UpdateParty = z.infer<typeof contract.schema.body>;

export const updateParty = (deps: Deps) =>
  route(contract, async ({ params, body, claims }) => {
    const { size, override, reason } = body;
    const least = override ? 'manager' : 'host';
    const { party, venue } = await partyFor(deps.db, params.partyId, claims.sub, least);
    const personal = { ...body, phone: dialablePhone(body.phone, venue) };
    const actor = { kind: 'staff', userId: claims.sub } as const;
    const { record, events } = await deps.lines.run(bytesToUuid(party.queue_id), () =>
      inTransaction(deps.db, async (trx) => {
        const line = await lockLine(deps, trx, party.queue_id, {
          occupancyOf: size === undefined ? undefined : venue.id,
        });
        const current = await line.party(party.id);
        const changes = changedOnly(current, { size });
        const { max_party_size } = line.queue;
        if (changes.size !== undefined && changes.size > max_party_size) {
          throw tooLarge(max_party_size);
        }
        const person = await changePerson(trx, party, personal);
        if (person === 'same' && changes.size === undefined) {
          return { record: partyRecord(current), events: [] };
        }
        // Only a seated party counts towards occupancy.
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
        if (person === 'new-address') planNewAddress(line, current);
        const changed = await line.changeParty(current, 'party.changed', changes, actor, {
          reason,
          override: isOverridden,
        });
        return { record: partyRecord(changed), events: await line.write() };
      }),
    );
    await deps.feed.committed(events);
    return staffView(deps, record);
  });

/** Changes a party's personal data, and returns what that means for the party. Erased data stays erased. */
async function changePerson(
  trx: DatabaseTransaction,
  { queue_id, id }: PartyRow,
  { name, email, phone, notes }: UpdateParty,
): Promise<'same' | 'changed' | 'new-address'> {
  const person = await trx
    .selectFrom('personal')
    .selectAll()
    .where('queue_id', '=', queue_id)
    .where('party_id', '=', id)
    .executeTakeFirst();
  if (person === undefined) return 'same';
  const changes = changedOnly(person, {
    name,
    name_key: name === undefined ? undefined : nameKey(name),
    email,
    email_key: email ? normaliseEmail(email) : email,
    phone,
    notes,
  });
  if (Object.keys(changes).length === 0) return 'same';
  await trx
    .updateTable('personal')
    .set(changes)
    .where('queue_id', '=', queue_id)
    .where('party_id', '=', id)
    .execute();
  return typeof changes.email_key === 'string' ? 'new-address' : 'changed';
}
