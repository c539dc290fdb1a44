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
import { assertSeq, lockLine } from '../line/line.ts';
import { partyRecord } from '../line/snapshots.ts';
import { keepOldPerson, type OldPerson } from './old-persons.ts';
import { staffView } from './party-view.ts';

type UpdateParty = z.infer<typeof contract.schema.body>;

export const updateParty = (deps: Deps) =>
  route(contract, async ({ params, body, claims }) => {
    const { size, override, reason, seq } = body;
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
        if (person === null && changes.size === undefined) {
          return { record: partyRecord(current), events: [] };
        }
        assertSeq(current, seq);
        // Only a seated party counts towards occupancy.
        const people =
          changes.size === undefined || current.state !== 'seated'
            ? undefined
            : await line.occupancy.change({
                delta: changes.size - current.size,
                actor,
                party: current,
                override,
                reason,
              });
        if (person?.isNewAddress) planNewAddress(line, current);
        const changed = await line.changeParty(current, 'party.changed', changes, actor, {
          reason,
          override: people?.isOverridden,
          counted: people?.counted,
        });
        if (person !== null) await keepOldPerson(line, changed.seq, person.before);
        return { record: partyRecord(changed), events: await line.write() };
      }),
    );
    await deps.feed.committed(events);
    return staffView(deps, record);
  });

/** Changes a party's personal data; null if that changes nothing. Erased data stays erased. */
async function changePerson(
  trx: DatabaseTransaction,
  { queue_id, id }: PartyRow,
  { name, email, phone, notes }: UpdateParty,
): Promise<{ before: OldPerson; isNewAddress: boolean } | null> {
  const person = await trx
    .selectFrom('personal')
    .selectAll()
    .where('queue_id', '=', queue_id)
    .where('party_id', '=', id)
    .executeTakeFirst();
  if (person === undefined) return null;
  const changes = changedOnly(person, {
    name,
    name_key: name === undefined ? undefined : nameKey(name),
    email,
    email_key: email ? normaliseEmail(email) : email,
    phone,
    notes,
  });
  const changed = Object.keys(changes) as (keyof typeof changes)[];
  if (changed.length === 0) return null;
  await trx
    .updateTable('personal')
    .set(changes)
    .where('queue_id', '=', queue_id)
    .where('party_id', '=', id)
    .execute();
  const before = Object.fromEntries(changed.map((column) => [column, person[column]]));
  return { before, isNewAddress: typeof changes.email_key === 'string' };
}
