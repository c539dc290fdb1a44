import { type Selectable, sql } from 'kysely';
import type { PartyRow, PersonalTable } from '../db/tables.ts';
import type { Line } from '../line/line.ts';

type Contacts = Pick<Selectable<PersonalTable>, 'email_key' | 'phone'>;

/**
 * Marks a party, and those in the line with the same e-mail or phone, as possible duplicates. Returns whether there are
 * any: the caller sets the mark of a party that is not stored yet.
 */
export async function markDuplicates(
  { trx, queue }: Line,
  partyId: Buffer,
  { email_key, phone }: Contacts,
): Promise<boolean> {
  const sameBy = (column: keyof Contacts, value: string) => sql`
    SELECT p.id FROM personal AS c JOIN parties AS p ON p.queue_id = c.queue_id AND p.id = c.party_id
    WHERE c.queue_id = ${queue.id} AND c.${sql.ref(column)} = ${value}
      AND p.state IN ('waiting', 'called') AND p.id <> ${partyId}`;
  const searches = [
    ...(email_key === null ? [] : [sameBy('email_key', email_key)]),
    ...(phone === null ? [] : [sameBy('phone', phone)]),
  ];
  if (searches.length === 0) return false;
  const { rows } = await sql<{ id: Buffer }>`${sql.join(searches, sql` UNION `)}`.execute(trx);
  if (rows.length === 0) return false;
  await trx
    .updateTable('parties')
    .set({ possible_duplicate: 1 })
    .where('queue_id', '=', queue.id)
    .where('id', 'in', [partyId, ...rows.map(({ id }) => id)])
    .execute();
  return true;
}

/** Marks the duplicates of a party that is back in the line: its guest may have joined again meanwhile. */
export async function markReturned(line: Line, party: PartyRow): Promise<PartyRow> {
  const contacts = await line.trx
    .selectFrom('personal')
    .select(['email_key', 'phone'])
    .where('queue_id', '=', party.queue_id)
    .where('party_id', '=', party.id)
    .executeTakeFirst();
  const isDouble = contacts !== undefined && (await markDuplicates(line, party.id, contacts));
  return isDouble ? { ...party, possible_duplicate: 1 } : party;
}
