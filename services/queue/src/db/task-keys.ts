import { keyIn } from './key-in.ts';
import type { TaskRow } from './tables.ts';

export type TaskKey = Pick<TaskRow, 'venue_id' | 'id'>;

/** The condition that a row is one of these tasks. */
export function isOneOf(tasks: readonly TaskKey[]) {
  return keyIn(
    ['venue_id', 'id'],
    tasks.map(({ venue_id, id }) => [venue_id, id]),
  );
}
