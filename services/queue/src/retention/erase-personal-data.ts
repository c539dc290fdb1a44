import { atHalfTime } from '@queue-manager/service-kit/limits/half-time';
import { type RawBuilder, sql } from 'kysely';
import { type Database, inTransaction } from '../db/database.ts';
import { lowestId } from '../db/id-cursor.ts';

/** Rows per transaction: keeps locks to a few milliseconds. */
const chunkSize = 500;
/** Later than every change. */
const endOfTime = new Date('9999-12-31T00:00:00.000Z');

type Erasure = { db: Database; venueId: Buffer };

/**
 * Erases a venue's personal data of visits that were over by `cutoff`: names, contacts, notes, and the reasons given
 * for changes until then. Counts, times, events and quotes stay.
 *
 * A visit is over when it has ended, or was seated by then: many hosts never record that a party departed. A
 * restored party keeps its data.
 *
 * Works in chunks, one transaction each. A repeat after an interruption continues with what is left.
 */
export async function eraseUntil({ db, venueId }: Erasure, cutoff: Date): Promise<void> {
  for (const queueId of await queuesOf(db, venueId)) {
    await eraseEndedParties(db, queueId, cutoff);
    await eraseReasons(db, queueId, cutoff);
  }
  await eraseOccupancyReasons(db, venueId, cutoff);
}

/** Erases all personal data, unsubscribes and tasks of a deleted venue, which cannot change any more. */
export async function eraseAll({ db, venueId }: Erasure): Promise<void> {
  for (const queueId of await queuesOf(db, venueId)) {
    await untilNoneLeft(
      db,
      sql`DELETE FROM personal WHERE queue_id = ${queueId} ORDER BY party_id LIMIT ${chunkSize}`,
    );
    await untilNoneLeft(
      db,
      sql`DELETE FROM old_persons WHERE queue_id = ${queueId} ORDER BY seq LIMIT ${chunkSize}`,
    );
    await untilNoneLeft(
      db,
      sql`DELETE FROM reasons WHERE queue_id = ${queueId} ORDER BY seq LIMIT ${chunkSize}`,
    );
  }
  await eraseOccupancyReasons(db, venueId, endOfTime);
  await untilNoneLeft(
    db,
    sql`DELETE FROM unsubscribes WHERE venue_id = ${venueId} ORDER BY recipient LIMIT ${chunkSize}`,
  );
  await untilNoneLeft(
    db,
    sql`DELETE FROM tasks WHERE venue_id = ${venueId} ORDER BY venue_id, id LIMIT ${chunkSize}`,
  );
}

/** Includes deleted queues: the data of their guests is erased too. */
async function queuesOf(db: Database, venueId: Buffer): Promise<Buffer[]> {
  const rows = await db.selectFrom('queues').select('id').where('venue_id', '=', venueId).execute();
  return rows.map(({ id }) => id);
}

/** Finds and erases a chunk at a time. `find` reads the keys of one chunk, those after the given key. */
async function inChunks<K>(
  first: K,
  find: (after: K) => Promise<K[]>,
  erase: (keys: K[]) => Promise<unknown>,
): Promise<void> {
  let keys: K[];
  let after: K | undefined = first;
  do {
    keys = await find(after);
    if (keys.length > 0) await atHalfTime(() => erase(keys));
    after = keys.at(-1);
  } while (after !== undefined && keys.length === chunkSize);
}

async function untilNoneLeft(db: Database, statement: RawBuilder<unknown>): Promise<void> {
  for (;;) {
    const { numAffectedRows = 0n } = await atHalfTime(() =>
      inTransaction(db, (trx) => statement.execute(trx)),
    );
    if (numAffectedRows < chunkSize) return;
  }
}

/**
 * Reads a range of the primary key: rows not erased yet of parties that joined by the cutoff.
 *
 * A party may be restored or updated concurrently, so each is checked again under the locks of both its rows.
 * `SKIP LOCKED` passes over rows that a change of the queue has locked: this never waits for a queue and cannot
 * deadlock with one, whatever the order of its locks. A change waits for this only for a party that ended long
 * ago, and as long as one chunk takes. Skipped rows are erased the next day.
 */
async function eraseEndedParties(db: Database, queueId: Buffer, cutoff: Date): Promise<void> {
  const isOver = (ids: readonly Buffer[]) => sql`
    p.queue_id = ${queueId} AND p.id IN (${sql.join(ids)}) AND (
      p.state IN ('departed', 'no_show', 'left', 'removed') AND p.ended_at <= ${cutoff}
      OR p.state = 'seated' AND p.seated_at <= ${cutoff})`;
  async function find(after: Buffer): Promise<Buffer[]> {
    const rows = await db
      .selectFrom('personal')
      .select('party_id')
      .where('queue_id', '=', queueId)
      .where('party_id', '>', after)
      .where('party_id', '<', firstIdAfter(cutoff))
      .orderBy('party_id')
      .limit(chunkSize)
      .execute();
    return rows.map(({ party_id }) => party_id);
  }
  async function erase(found: readonly Buffer[]): Promise<void> {
    const { rows: seen } = await sql<{ id: Buffer }>`
      SELECT p.id FROM parties AS p WHERE ${isOver(found)}`.execute(db);
    if (seen.length === 0) return;
    await inTransaction(db, async (trx) => {
      const { rows } = await sql<{ id: Buffer }>`
        SELECT p.id FROM parties AS p FORCE INDEX (PRIMARY)
        STRAIGHT_JOIN personal AS c FORCE INDEX (PRIMARY)
          ON c.queue_id = p.queue_id AND c.party_id = p.id
        WHERE ${isOver(seen.map(({ id }) => id))}
        FOR UPDATE SKIP LOCKED`.execute(trx);
      if (rows.length === 0) return;
      const ids = rows.map(({ id }) => id);
      await trx
        .deleteFrom('personal')
        .where('queue_id', '=', queueId)
        .where('party_id', 'in', ids)
        .execute();
    });
  }
  await inChunks(lowestId, find, erase);
}

/** By the time of a reason's event. Reasons are only ever inserted, so no lock is waited for. */
async function eraseReasons(db: Database, queueId: Buffer, cutoff: Date): Promise<void> {
  async function find(after: number): Promise<number[]> {
    const rows = await db
      .selectFrom('reasons as r')
      .innerJoin('events as e', (join) =>
        join.onRef('e.queue_id', '=', 'r.queue_id').onRef('e.seq', '=', 'r.seq'),
      )
      .select('r.seq')
      .where('r.queue_id', '=', queueId)
      .where('r.seq', '>', after)
      .where('e.time', '<=', cutoff)
      .orderBy('r.seq')
      .limit(chunkSize)
      .execute();
    return rows.map(({ seq }) => seq);
  }
  await inChunks(0, find, (seqs) =>
    inTransaction(db, (trx) =>
      trx.deleteFrom('reasons').where('queue_id', '=', queueId).where('seq', 'in', seqs).execute(),
    ),
  );
}

/** Occupancy changes are numbered per venue and, like reasons, only ever inserted. */
async function eraseOccupancyReasons(db: Database, venueId: Buffer, cutoff: Date): Promise<void> {
  async function find(after: number): Promise<number[]> {
    const rows = await db
      .selectFrom('occupancy_changes')
      .select('seq')
      .where('venue_id', '=', venueId)
      .where('seq', '>', after)
      .where('reason', 'is not', null)
      .where('time', '<=', cutoff)
      .orderBy('seq')
      .limit(chunkSize)
      .execute();
    return rows.map(({ seq }) => seq);
  }
  await inChunks(0, find, (seqs) =>
    inTransaction(db, (trx) =>
      trx
        .updateTable('occupancy_changes')
        .set({ reason: null })
        .where('venue_id', '=', venueId)
        .where('seq', 'in', seqs)
        .execute(),
    ),
  );
}

/** The lower bound of ids created after a time: a UUIDv7 begins with its creation time in milliseconds. */
function firstIdAfter(time: Date): Buffer {
  const id = Buffer.alloc(16);
  id.writeUIntBE(time.getTime() + 1, 0, 6);
  return id;
}
