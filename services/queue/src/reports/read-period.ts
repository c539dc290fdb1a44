import type { Gate } from '@queue-manager/service-kit/limits/gate';
import { atHalfTime } from '@queue-manager/service-kit/limits/half-time';
import { currentContext, runInContext } from '@queue-manager/service-kit/trace-context';
import { type RawBuilder, sql } from 'kysely';
import type { Database, DatabaseTransaction } from '../db/database.ts';
import type { Period } from './period.ts';

const partiesPerPage = 500;
const pageMsMax = 10_000;

type JoinOrder = { joined_at: Date; id: Buffer };

/** The columns to read of each party `p` and of the tables joined to it. */
type Reading = { columns: RawBuilder<unknown>; joins: RawBuilder<unknown> };

/**
 * Reads the parties of a queue that joined in a period, in the order of joining, page by page along the index
 * `parties_joined`. Holds one page and no database cursor; reads the next page on demand. The order of joining
 * never changes, so each party comes once, whatever happens in the queue meanwhile. Pages of all reports take turns, and
 * leave half of the time to the lines, however many reports there are.
 */
export async function* readPeriod<Row extends JoinOrder>(
  { db, pages }: { db: Database | DatabaseTransaction; pages: Gate },
  queueId: Buffer,
  { from, to }: Period,
  { columns, joins }: Reading,
  perPage: number = partiesPerPage,
): AsyncGenerator<Row[]> {
  let after = sql`joined_at >= ${from}`;
  for (;;) {
    // Two ranges of the index, of which the server reads only the page. Without FORCE INDEX it sorts the whole
    // queue for every page.
    const page = sql<Row>`
      SELECT ${columns}
      FROM (
        SELECT * FROM parties FORCE INDEX (parties_joined)
        WHERE queue_id = ${queueId} AND joined_at < ${to} AND (${after})
        ORDER BY joined_at, id LIMIT ${perPage}
      ) AS p ${joins}
      ORDER BY p.joined_at, p.id`;
    // A download has no deadline, but a page that hangs must not keep all others waiting.
    const readPage = () =>
      runInContext(currentContext() ?? {}, () => page.execute(db), {
        at: performance.now() + pageMsMax,
      });
    const { rows } = await pages.run(() => atHalfTime(readPage));
    if (rows.length > 0) yield rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < perPage) return;
    after = sql`joined_at > ${last.joined_at} OR (joined_at = ${last.joined_at} AND id > ${last.id})`;
  }
}

/** Joins the estimate that the guest got on joining. */
export const joinQuotes = sql`LEFT JOIN quotes AS t ON t.queue_id = p.queue_id AND t.party_id = p.id`;

/**
 * A party's wait in whole seconds, until its first call or its seating without a call. Null while it waits, and when
 * it left before. At least 0, since the clocks of two instances may differ.
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
