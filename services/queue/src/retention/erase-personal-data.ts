import { type RawBuilder, sql } from 'kysely';
import { type Database, inTransaction } from '../db/database.ts';

/** Rows erased in one transaction: a few milliseconds of locks. */
const chunkSize = 500;
/** Comes after every id and every sequence number. */
const endOfTime = new Date('9999-12-31T00:00:00.000Z');

type Erasure = { db: Database; venueId: Buffer };

/**
 * Erases what a venue knows about the persons of visits that were over by `cutoff`: names, contacts and notes,
 * and the reasons that somebody gave for a change until then. Counts, times, events and quotes stay.
 *
 * Over is a visit that ended by then, and one that was seated by then: many hosts never say that a party
 * departed. A party that was restored, and stands in a line again, keeps its name.
 *
 * Done in chunks, a transaction each, so that whatever interrupts it has erased what it has erased, and doing
 * it again goes on where it stood: what is gone is not read again.
 */
export async function eraseUntil({ db, venueId }: Erasure, cutoff: Date): Promise<void> {
  for (const queueId of await queuesOf(db, venueId)) {
    await inChunks<Buffer>((after) => erasePersons(db, queueId, cutoff, after));
    await inChunks<number>((after) => eraseReasons(db, queueId, cutoff, after));
  }
  await inChunks<number>((after) => eraseOccupancyReasons(db, venueId, cutoff, after));
}

/** Erases all of it, and the tasks, of a venue that was deleted: no change comes in between any more. */
export async function eraseAll({ db, venueId }: Erasure): Promise<void> {
  for (const queueId of await queuesOf(db, venueId)) {
    await untilNoneLeft(
      db,
      sql`DELETE FROM personal WHERE queue_id = ${queueId} ORDER BY party_id LIMIT ${chunkSize}`,
    );
    await untilNoneLeft(
      db,
      sql`DELETE FROM reasons WHERE queue_id = ${queueId} ORDER BY seq LIMIT ${chunkSize}`,
    );
  }
  await inChunks<number>((after) => eraseOccupancyReasons(db, venueId, endOfTime, after));
  await untilNoneLeft(
    db,
    sql`DELETE FROM tasks WHERE venue_id = ${venueId} ORDER BY venue_id, id LIMIT ${chunkSize}`,
  );
}

/** Deleted queues too: their parties are no less persons. */
async function queuesOf(db: Database, venueId: Buffer): Promise<Buffer[]> {
  const rows = await db.selectFrom('queues').select('id').where('venue_id', '=', venueId).execute();
  return rows.map(({ id }) => id);
}

/** `erase` gives the key after which the next chunk begins; undefined when there is none. */
async function inChunks<K>(erase: (after: K | undefined) => Promise<K | undefined>): Promise<void> {
  let after = await erase(undefined);
  while (after !== undefined) after = await erase(after);
}

async function untilNoneLeft(db: Database, statement: RawBuilder<unknown>): Promise<void> {
  for (;;) {
    const { numAffectedRows = 0n } = await inTransaction(db, (trx) => statement.execute(trx));
    if (numAffectedRows < chunkSize) return;
  }
}

/**
 * The rows looked at are a range of the primary key: those not erased yet of parties that joined by the cutoff.
 *
 * A party may be restored, or its name changed, at the same moment. So what is to go is looked at once more
 * under the locks of both of its rows, and `SKIP LOCKED` passes over what a change of the line has in hand:
 * this never waits for a line, so that the two cannot deadlock, in whatever order a change takes its rows. A
 * line waits for this as long as a chunk takes, and only to change a party that ended that long ago. What was
 * passed over goes the next day.
 */
async function erasePersons(
  db: Database,
  queueId: Buffer,
  cutoff: Date,
  after: Buffer | undefined,
): Promise<Buffer | undefined> {
  const found = await db
    .selectFrom('personal')
    .select('party_id')
    .where('queue_id', '=', queueId)
    .where('party_id', '<', firstIdAfter(cutoff))
    .$if(after !== undefined, (q) => q.where('party_id', '>', after as Buffer))
    .orderBy('party_id')
    .limit(chunkSize)
    .execute();
  if (found.length === 0) return undefined;
  const isOver = (ids: readonly Buffer[]) => sql`
    p.queue_id = ${queueId} AND p.id IN (${sql.join(ids)}) AND (
      p.state IN ('departed', 'no_show', 'left', 'removed') AND p.ended_at <= ${cutoff}
      OR p.state = 'seated' AND p.seated_at <= ${cutoff})`;
  const { rows: seen } = await sql<{ id: Buffer }>`
    SELECT p.id FROM parties AS p
    WHERE ${isOver(found.map(({ party_id }) => party_id))}`.execute(db);
  if (seen.length > 0) {
    await inTransaction(db, async (trx) => {
      const { rows } = await sql<{ id: Buffer }>`
        SELECT p.id FROM parties AS p FORCE INDEX (PRIMARY)
        STRAIGHT_JOIN personal AS c FORCE INDEX (PRIMARY)
          ON c.queue_id = p.queue_id AND c.party_id = p.id
        WHERE ${isOver(seen.map(({ id }) => id))}
        FOR UPDATE SKIP LOCKED`.execute(trx);
      if (rows.length === 0) return;
      await trx
        .deleteFrom('personal')
        .where('queue_id', '=', queueId)
        .where(
          'party_id',
          'in',
          rows.map(({ id }) => id),
        )
        .execute();
    });
  }
  return found.length < chunkSize ? undefined : found.at(-1)?.party_id;
}

/** By the time of the change that a reason belongs to; rows are only ever inserted, so nobody is waited for. */
async function eraseReasons(
  db: Database,
  queueId: Buffer,
  cutoff: Date,
  after: number | undefined,
): Promise<number | undefined> {
  const found = await db
    .selectFrom('reasons as r')
    .innerJoin('events as e', (join) =>
      join.onRef('e.queue_id', '=', 'r.queue_id').onRef('e.seq', '=', 'r.seq'),
    )
    .select('r.seq')
    .where('r.queue_id', '=', queueId)
    .where('e.time', '<=', cutoff)
    .$if(after !== undefined, (q) => q.where('r.seq', '>', after as number))
    .orderBy('r.seq')
    .limit(chunkSize)
    .execute();
  const seqs = found.map(({ seq }) => seq);
  if (seqs.length > 0) {
    await inTransaction(db, (trx) =>
      trx.deleteFrom('reasons').where('queue_id', '=', queueId).where('seq', 'in', seqs).execute(),
    );
  }
  return seqs.length < chunkSize ? undefined : seqs.at(-1);
}

/** Changes of the count at the door are numbered like a line's, and like them only ever inserted. */
async function eraseOccupancyReasons(
  db: Database,
  venueId: Buffer,
  cutoff: Date,
  after: number | undefined,
): Promise<number | undefined> {
  const found = await db
    .selectFrom('occupancy_changes')
    .select('seq')
    .where('venue_id', '=', venueId)
    .where('reason', 'is not', null)
    .where('time', '<=', cutoff)
    .$if(after !== undefined, (q) => q.where('seq', '>', after as number))
    .orderBy('seq')
    .limit(chunkSize)
    .execute();
  const seqs = found.map(({ seq }) => seq);
  if (seqs.length > 0) {
    await inTransaction(db, (trx) =>
      trx
        .updateTable('occupancy_changes')
        .set({ reason: null })
        .where('venue_id', '=', venueId)
        .where('seq', 'in', seqs)
        .execute(),
    );
  }
  return seqs.length < chunkSize ? undefined : seqs.at(-1);
}

/** Smaller than every id made later than a time: ids begin with the millisecond in which they were made. */
function firstIdAfter(time: Date): Buffer {
  const id = Buffer.alloc(16);
  id.writeUIntBE(time.getTime() + 1, 0, 6);
  return id;
}
