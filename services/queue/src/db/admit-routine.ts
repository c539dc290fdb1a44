import { type Selectable, sql } from 'kysely';
import type { Database, DatabaseTransaction } from './database.ts';
import { preparedQuery } from './prepared-query.ts';
import type { EventTable, PartyRow, PersonalTable, QueueRow, TraceColumns } from './tables.ts';

/*
 * What a join writes is five rows in five tables. Sent one by one, with the line locked, they were half of all
 * the time that the queue service spent on a join; as one call of a stored procedure they are one message to
 * MySQL and back. It decides nothing: it takes values and writes them.
 *
 * The name ends in a version: instances of two versions run side by side during a deployment, so a procedure
 * that is there is never changed. It is made again at every start, since a dump of the tables may come without.
 */
const name = 'admit_party_1';

const id = 'BINARY(16)';
const text = (chars: number) => `VARCHAR(${chars}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`;

/** Parameters of the procedure, and in which columns of which tables they go. */
const parameters = {
  venue_id: id,
  queue_id: id,
  seq: 'BIGINT',
  joined_at: 'DATETIME(3)',
  waiting: 'INT',
  number_day: text(10),
  party_id: id,
  number: 'INT',
  lane: 'TINYINT',
  order_key: 'VARBINARY(512)',
  size: 'INT',
  source: text(16),
  possible_duplicate: 'TINYINT',
  almost_there: 'TINYINT',
  name: text(80),
  name_key: text(160),
  email: text(254),
  email_key: text(254),
  phone: text(16),
  notes: text(1_000),
  locale: text(35),
  event_id: id,
  data: 'LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
  request_id: text(64),
  traceparent: text(64),
};

const given = (column: keyof typeof parameters) => `given_${column}`;

/** An INSERT whose columns are given by the parameters of the same names, unless told otherwise. */
function insert(table: string, columns: string, others: Record<string, string> = {}): string {
  const named = columns.split(' ') as (keyof typeof parameters)[];
  return `INSERT INTO ${table} (${[...named, ...Object.keys(others)].join(', ')})
    VALUES (${[...named.map(given), ...Object.values(others)].join(', ')});`;
}

const definition = `CREATE PROCEDURE IF NOT EXISTS ${name} (
  ${Object.entries(parameters)
    .map(([column, type]) => `IN given_${column} ${type}`)
    .join(', ')})
  SQL SECURITY INVOKER MODIFIES SQL DATA
  BEGIN
    ${insert('personal', 'queue_id party_id name name_key email email_key phone notes locale')}
    ${insert(
      'parties',
      'queue_id number lane order_key size source seq possible_duplicate almost_there joined_at',
      { id: given('party_id'), state: "'waiting'" },
    )}
    UPDATE queues
      SET seq = given_seq, waiting = given_waiting, number_day = given_number_day,
        last_number = given_number, tail_key = given_order_key
      WHERE venue_id = given_venue_id AND id = given_queue_id;
    ${insert('events', 'queue_id seq party_id data', {
      id: given('event_id'),
      type: "'party.joined'",
      time: given('joined_at'),
    })}
    ${insert('outbox', 'queue_id seq request_id traceparent', { created_at: given('joined_at') })}
  END`;

const callText = `CALL ${name}(${Object.keys(parameters)
  .map(() => '?')
  .join(', ')})`;

/** Makes the procedure where it is missing. */
export async function createAdmitRoutine(db: Database): Promise<void> {
  await sql.raw(definition).execute(db);
}

/** A party that joins, and who it is. */
export type Admission = { party: PartyRow; personal: Selectable<PersonalTable> };

/** Writes a party that joins, last in the line: its rows, the queue's, the event and its pointer. */
export async function writeAdmission(
  trx: DatabaseTransaction,
  queue: Pick<QueueRow, 'venue_id' | 'waiting' | 'number_day'>,
  { party, personal }: Admission,
  event: Pick<EventTable, 'id' | 'data'>,
  trace: TraceColumns,
): Promise<void> {
  const values: Record<keyof typeof parameters, unknown> = {
    ...personal,
    venue_id: queue.venue_id,
    waiting: queue.waiting,
    number_day: queue.number_day,
    seq: party.seq,
    joined_at: party.joined_at,
    number: party.number,
    lane: party.lane,
    order_key: party.order_key,
    size: party.size,
    source: party.source,
    possible_duplicate: party.possible_duplicate,
    almost_there: party.almost_there,
    event_id: event.id,
    data: event.data,
    ...trace,
  };
  await trx.executeQuery(
    preparedQuery(
      callText,
      (Object.keys(parameters) as (keyof typeof parameters)[]).map((column) => values[column]),
    ),
  );
}
