import { type Role, roles } from '@queue-manager/contracts/venues';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import type { Database, DatabaseTransaction } from '../db/database.ts';
import { preparedQuery } from '../db/prepared-query.ts';
import type { PartyRow, QueueRow, VenueRow } from '../db/tables.ts';

/** The columns of a venue that its queues depend on. */
export type VenueFacts = Pick<
  VenueRow,
  'id' | 'name' | 'timezone' | 'day_starts_at' | 'locale' | 'retention_days' | 'accent_color'
>;

type Db = Database | DatabaseTransaction;

/** Whether a role includes the rights of another. */
export function isAtLeast(role: Role, least: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(least);
}

function authorise(role: Role, least: Role): void {
  if (isAtLeast(role, least)) return;
  throw problems.forbidden({
    detail: `You need the ${least} role for this venue. Yours is ${role}.`,
  });
}

/*
 * Loading and authorising are one step. A non-member of the resource's venue gets the same 404 as for an unknown id;
 * a member whose role is too low gets 403.
 */

export async function venueFor(db: Db, venueId: string, userId: string, least: Role) {
  const row = await db
    .selectFrom('venues as v')
    .innerJoin('members as m', 'm.venue_id', 'v.id')
    .selectAll('v')
    .select('m.role')
    .where('v.id', '=', uuidToBytes(venueId))
    .where('m.user_id', '=', uuidToBytes(userId))
    .where('v.deleted_at', 'is', null)
    .executeTakeFirst();
  if (row === undefined) throw problems.notFound();
  authorise(row.role, least);
  return row;
}

const venueColumns = [
  'v.name as venue_name',
  'v.timezone',
  'v.day_starts_at',
  'v.locale as venue_locale',
  'v.retention_days',
  'v.accent_color',
] as const;

type WithVenue = {
  venue_id: Buffer;
  venue_name: string;
  timezone: string;
  day_starts_at: string;
  venue_locale: string;
  retention_days: number;
  accent_color: string | null;
};

function venueFactsOf(row: WithVenue): VenueFacts {
  return {
    id: row.venue_id,
    name: row.venue_name,
    timezone: row.timezone,
    day_starts_at: row.day_starts_at,
    locale: row.venue_locale,
    retention_days: row.retention_days,
    accent_color: row.accent_color,
  };
}

const selectQueueOf = `SELECT q.*, ${venueColumns.join(', ')}, m.role
  FROM queues AS q JOIN venues AS v ON v.id = q.venue_id JOIN members AS m ON m.venue_id = q.venue_id
  WHERE q.id = ? AND m.user_id = ? AND q.deleted_at IS NULL`;

export async function queueFor(db: Db, queueId: string, userId: string, least: Role) {
  const { rows } = await db.executeQuery(
    preparedQuery(selectQueueOf, [uuidToBytes(queueId), uuidToBytes(userId)]),
  );
  const row = rows[0] as (QueueRow & WithVenue & { role: Role }) | undefined;
  if (row === undefined) throw problems.notFound();
  authorise(row.role, least);
  return { queue: row as QueueRow, venue: venueFactsOf(row), role: row.role };
}

export async function partyFor(db: Db, partyId: string, userId: string, least: Role) {
  const row = await db
    .selectFrom('parties as p')
    .innerJoin('queues as q', 'q.id', 'p.queue_id')
    .innerJoin('venues as v', 'v.id', 'q.venue_id')
    .innerJoin('members as m', 'm.venue_id', 'q.venue_id')
    .selectAll('p')
    .select(['q.venue_id', 'q.seq as queue_seq', ...venueColumns, 'm.role'])
    .where('p.id', '=', uuidToBytes(partyId))
    .where('m.user_id', '=', uuidToBytes(userId))
    .where('q.deleted_at', 'is', null)
    .executeTakeFirst();
  if (row === undefined) throw problems.notFound();
  authorise(row.role, least);
  return {
    party: row as PartyRow,
    queueId: bytesToUuid(row.queue_id),
    /** The `seq` of the queue's last event when it was loaded. */
    queueSeq: row.queue_seq,
    venue: venueFactsOf(row),
    role: row.role,
  };
}

export async function taskFor(db: Db, taskId: string, userId: string, least: Role) {
  const row = await db
    .selectFrom('tasks as t')
    .innerJoin('venues as v', 'v.id', 't.venue_id')
    .innerJoin('members as m', 'm.venue_id', 't.venue_id')
    .select(['t.venue_id', 't.id', 'm.role'])
    .where('t.id', '=', uuidToBytes(taskId))
    .where('m.user_id', '=', uuidToBytes(userId))
    .where('v.deleted_at', 'is', null)
    .executeTakeFirst();
  if (row === undefined) throw problems.notFound();
  authorise(row.role, least);
  return row;
}

const selectByJoinCode = `SELECT q.*, ${venueColumns.join(', ')}
  FROM queues AS q JOIN venues AS v ON v.id = q.venue_id
  WHERE q.join_code = ? AND q.deleted_at IS NULL`;

/** Loads a queue by its join code, without authorisation. 404 for an unknown or replaced code. */
export async function queueByJoinCode(db: Db, joinCode: string) {
  const { rows } = await db.executeQuery(preparedQuery(selectByJoinCode, [joinCode.toUpperCase()]));
  const row = rows[0] as (QueueRow & WithVenue) | undefined;
  if (row === undefined)
    throw problems.notFound({ detail: 'This join link is not valid. It may have been replaced.' });
  return { queue: row as QueueRow, venue: venueFactsOf(row) };
}

const selectById = `SELECT q.*, ${venueColumns.join(', ')}
  FROM queues AS q JOIN venues AS v ON v.id = q.venue_id
  WHERE q.id = ? AND q.deleted_at IS NULL`;

/** Loads a queue for its board, without authorisation. */
export async function queueOfBoard(db: Db, queueId: string) {
  const { rows } = await db.executeQuery(preparedQuery(selectById, [uuidToBytes(queueId)]));
  const row = rows[0] as (QueueRow & WithVenue) | undefined;
  if (row === undefined) throw problems.notFound();
  return { queue: row as QueueRow, venue: venueFactsOf(row) };
}
