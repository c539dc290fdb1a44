import assert from 'node:assert/strict';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { sql } from 'kysely';
import type { Database } from '../db/database.ts';
import { partySnapshot } from '../line/snapshots.ts';

export const queueRow = (db: Database, queueId: string) =>
  db
    .selectFrom('queues')
    .selectAll()
    .where('id', '=', uuidToBytes(queueId))
    .executeTakeFirstOrThrow();

export const eventRows = (db: Database, queueId: string) =>
  db
    .selectFrom('events')
    .selectAll()
    .where('queue_id', '=', uuidToBytes(queueId))
    .orderBy('seq')
    .execute();

/** Asserts the invariants of a queue that nothing is changing at the moment. */
export async function assertLineSound(db: Database, queueId: string): Promise<void> {
  const queue_id = uuidToBytes(queueId);
  const queue = await queueRow(db, queueId);
  const events = await eventRows(db, queueId);
  assert.deepEqual(
    events.map(({ seq }) => seq),
    Array.from({ length: queue.seq }, (_, index) => index + 1),
    'sequence numbers have no gaps',
  );
  const parties = await db
    .selectFrom('parties')
    .selectAll()
    .where('queue_id', '=', queue_id)
    .execute();
  const count = (state: string) => parties.filter((party) => party.state === state).length;
  assert.deepEqual(
    { waiting: queue.waiting, called: queue.called },
    { waiting: count('waiting'), called: count('called') },
    'counters match the rows',
  );
  const lastEvents = new Map(
    events.flatMap(({ party_id, data }) =>
      party_id === null ? [] : [[party_id.toString('hex'), JSON.parse(data).party]],
    ),
  );
  for (const party of parties) {
    assert.deepEqual(
      lastEvents.get(party.id.toString('hex')),
      partySnapshot(party),
      'the last event of a party matches its row',
    );
  }
  const personal = await db
    .selectFrom('personal')
    .select('party_id')
    .where('queue_id', '=', queue_id)
    .execute();
  assert.equal(personal.length, parties.length, 'each party has a row of personal data');
}

/** Whether a connection to this database is waiting for a row lock, which the test holds. */
export async function isLockAskedFor(db: Database, table: 'venues' | 'queues'): Promise<boolean> {
  const { rows } = await sql<{ db: string; Info: string | null }>`SHOW FULL PROCESSLIST`.execute(
    db,
  );
  const own = await sql<{ name: string }>`SELECT DATABASE() AS name`.execute(db);
  const asks = new RegExp(`from \`?${table}\\b.*for update`, 'is');
  return rows.some((row) => row.db === own.rows[0]?.name && asks.test(row.Info ?? ''));
}
