import { type RawBuilder, sql } from 'kysely';
import type { Database, DatabaseTransaction } from '../db/database.ts';
import type { Period } from './period.ts';

const partiesPerPage = 1_000;

type Place = { joined_at: Date; id: Buffer };

/** What is read of each party `p`, from the tables joined to it. */
type Reading = { columns: RawBuilder<unknown>; joins: RawBuilder<unknown> };

/**
 * The parties of a queue that joined in a period, in the order of joining, page by page along
 * `parties_joined`: neither a year's parties nor a cursor in the database are ever held. The next page is
 * read when it is asked for. A party's place in this order never changes, so that each comes once, whatever
 * happens in the line meanwhile.
 */
export async function* readPeriod<Row extends Place>(
  db: Database | DatabaseTransaction,
  queueId: Buffer,
  { from, to }: Period,
  { columns, joins }: Reading,
  perPage: number = partiesPerPage,
): AsyncGenerator<Row[]> {
  let after = sql`joined_at >= ${from}`;
  for (;;) {
    // Two ranges of the index, of which the server reads no more than the page. Left to choose, it sorts the
    // whole queue for every page.
    const { rows } = await sql<Row>`
      SELECT ${columns}
      FROM (
        SELECT * FROM parties FORCE INDEX (parties_joined)
        WHERE queue_id = ${queueId} AND joined_at < ${to} AND (${after})
        ORDER BY joined_at, id LIMIT ${perPage}
      ) AS p ${joins}
      ORDER BY p.joined_at, p.id`.execute(db);
    if (rows.length > 0) yield rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < perPage) return;
    after = sql`joined_at > ${last.joined_at} OR (joined_at = ${last.joined_at} AND id > ${last.id})`;
  }
}

/** What a guest was told on joining, beside its party. */
export const joinQuotes = sql`LEFT JOIN quotes AS t ON t.queue_id = p.queue_id AND t.party_id = p.id`;

/**
 * How long a party waited, in whole seconds: until it was called first, or seated without a call. Null while
 * it waits, and when it went before. The clocks of two instances may differ: never less than nothing.
 */
export function waitSecondsOf({
  joined_at,
  served_at,
}: {
  joined_at: Date;
  served_at: Date | null;
}): number | null {
  if (served_at === null) return null;
  return Math.max(0, Math.round((served_at.getTime() - joined_at.getTime()) / 1_000));
}
