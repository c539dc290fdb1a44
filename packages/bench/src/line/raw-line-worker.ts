/**
 * The baseline of a change: the rows, the lock and the transaction of a join or a call with mysql2 alone. It uses
 * prepared statements, which measured faster than `query`.
 */
import { systemClock } from '@queue-manager/service-kit/clock';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { answerQuestions, workerOptions } from '../measure/worker.ts';

export type RawLoad = {
  work: 'join' | 'call';
  seconds: number;
  /** Ids of the queues in hex, assigned to the connections round robin. */
  lines: string[];
};

const { url, venue, connections, eventBytes } = workerOptions<{
  url: string;
  venue: string;
  connections: number;
  eventBytes: number;
}>();

const venueId = Buffer.from(venue, 'hex');
/** As much JSON as an event of the service has. */
const data = JSON.stringify({ data: '.'.repeat(eventBytes) });
const id = () => uuidToBytes(newId(systemClock));

const opened: Connection[] = [];
for (let index = 0; index < connections; index += 1) {
  const connection = await createConnection({ uri: url, timezone: 'Z', charset: 'utf8mb4_bin' });
  await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
  opened.push(connection);
}

async function lockLine(connection: Connection, line: Buffer): Promise<RowDataPacket> {
  await connection.query('BEGIN');
  const [rows] = await connection.execute<RowDataPacket[]>(
    'SELECT * FROM queues WHERE id = ? AND deleted_at IS NULL FOR UPDATE',
    [line],
  );
  return rows[0] as RowDataPacket;
}

async function writeEvent(
  connection: Connection,
  line: Buffer,
  party: Buffer,
  seq: number,
  type: string,
  now: Date,
): Promise<void> {
  await connection.execute(
    `INSERT INTO events (queue_id, seq, id, type, party_id, time, data, relay_at, request_id, traceparent)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [line, seq, id(), type, party, now, data, now, null, null],
  );
  await connection.query('COMMIT');
}

async function join(connection: Connection, line: Buffer): Promise<void> {
  const now = new Date();
  const party = id();
  const queue = await lockLine(connection, line);
  const seq = queue.seq + 1;
  const orderKey = Buffer.alloc(5);
  orderKey[0] = 0xf9;
  orderKey.writeUIntBE(seq, 1, 3);
  await connection.execute(
    `INSERT INTO personal (queue_id, party_id, name, name_key, email, email_key, phone, notes, locale)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [line, party, 'Ana Lima', 'ana lima', null, null, null, null, null],
  );
  await connection.execute(
    `INSERT INTO parties (queue_id, id, number, lane, order_key, state, size, source, seq, joined_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [line, party, queue.last_number + 1, 1, orderKey, 'waiting', 2, 'guest', seq, now],
  );
  await connection.execute(
    `UPDATE queues SET seq = ?, waiting = ?, last_number = ?, tail_key = ?, number_day = ?
     WHERE venue_id = ? AND id = ?`,
    [
      seq,
      queue.waiting + 1,
      queue.last_number + 1,
      orderKey,
      now.toISOString().slice(0, 10),
      venueId,
      line,
    ],
  );
  await writeEvent(connection, line, party, seq, 'party.joined', now);
}

async function call(connection: Connection, line: Buffer): Promise<void> {
  const now = new Date();
  const queue = await lockLine(connection, line);
  const seq = queue.seq + 1;
  const [rows] = await connection.execute<RowDataPacket[]>(
    `SELECT * FROM parties FORCE INDEX (parties_line) WHERE queue_id = ? AND state = 'waiting'
     ORDER BY lane, order_key, id LIMIT 1`,
    [line],
  );
  const party = rows[0]?.id as Buffer | undefined;
  if (party === undefined) throw new Error('a queue of the baseline is empty');
  await connection.execute(
    `UPDATE parties SET state = 'called', called_at = ?, served_at = ?, calls = 1, seq = ?
     WHERE queue_id = ? AND id = ?`,
    [now, now, seq, line, party],
  );
  await connection.execute(
    'UPDATE queues SET seq = ?, waiting = ?, called = ? WHERE venue_id = ? AND id = ?',
    [seq, queue.waiting - 1, queue.called + 1, venueId, line],
  );
  await connection.execute(
    `INSERT INTO tasks (venue_id, id, kind, queue_id, party_id, payload, state, run_at, updated_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      venueId,
      id(),
      'call.expire',
      line,
      party,
      '{"calls":1}',
      'scheduled',
      new Date(now.getTime() + 3_600_000),
      now,
    ],
  );
  await writeEvent(connection, line, party, seq, 'party.called', now);
}

async function run({ work, seconds, lines }: RawLoad): Promise<{ perSecond: number }> {
  const change = { join, call }[work];
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1_000;
  let done = 0;
  await Promise.all(
    opened.map(async (connection, index) => {
      const line = Buffer.from(lines[index % lines.length] as string, 'hex');
      while (performance.now() < endsAt) {
        await change(connection, line);
        done += 1;
      }
    }),
  );
  return { perSecond: done / ((performance.now() - startedAt) / 1_000) };
}

answerQuestions({ run }, async () => {
  for (const connection of opened) await connection.end();
});
