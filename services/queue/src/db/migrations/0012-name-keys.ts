import { type Kysely, sql } from 'kysely';
import { nameKey } from '../name-key.ts';

type Named = { queue_id: Buffer; party_id: Buffer; name: string; name_key: string };

const pageSize = 1_000;

/**
 * Names are searched in any Unicode form, with or without accents. Most keys stay as they are, so that instances of the
 * version before find them; a key that such an instance still writes finds its name as that version did.
 */
export async function up(db: Kysely<never>): Promise<void> {
  let last: Pick<Named, 'queue_id' | 'party_id'> | undefined = {
    queue_id: Buffer.alloc(0),
    party_id: Buffer.alloc(0),
  };
  while (last !== undefined) {
    const { rows }: { rows: Named[] } = await sql<Named>`
      SELECT queue_id, party_id, name, name_key FROM personal
      WHERE queue_id > ${last.queue_id} OR (queue_id = ${last.queue_id} AND party_id > ${last.party_id})
      ORDER BY queue_id, party_id LIMIT ${pageSize}`.execute(db);
    for (const { queue_id, party_id, name, name_key } of rows) {
      const key = nameKey(name);
      if (key === name_key) continue;
      await sql`
        UPDATE personal SET name_key = ${key}
        WHERE queue_id = ${queue_id} AND party_id = ${party_id} AND name = ${name}`.execute(db);
    }
    last = rows.at(-1);
  }
}
