import { sql } from 'kysely';
import type { TaskRow } from './tables.ts';

export type TaskKey = Pick<TaskRow, 'venue_id' | 'id'>;

/** The condition "is one of these tasks"; a range of the primary key, walked in its order. */
export function isOneOf(tasks: readonly TaskKey[]) {
  const keys = tasks.map(({ venue_id, id }) => sql`(${venue_id}, ${id})`);
  return sql<boolean>`(venue_id, id) IN (${sql.join(keys)})`;
}
