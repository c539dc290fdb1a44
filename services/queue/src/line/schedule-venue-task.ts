import type { Clock } from '@queue-manager/service-kit/clock';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import type { DatabaseTransaction } from '../db/database.ts';
import { traceColumns } from '../db/trace-context.ts';
import type { TaskKindName } from './task-kinds.ts';

/**
 * Schedules work about a venue and none of its queues, for now, as part of a transaction. The caller wakes the
 * dispatcher after its commit. The payload holds ids and numbers, no personal data.
 */
export async function scheduleVenueTask(
  clock: Clock,
  trx: DatabaseTransaction,
  venueId: Buffer,
  task: { kind: TaskKindName; payload: Record<string, unknown> },
): Promise<void> {
  const now = clock.now();
  await trx
    .insertInto('tasks')
    .values({
      venue_id: venueId,
      id: uuidToBytes(newId(clock)),
      kind: task.kind,
      queue_id: null,
      party_id: null,
      payload: JSON.stringify(task.payload),
      state: 'scheduled',
      last_error: null,
      run_at: now,
      lease_until: null,
      updated_at: now,
      ...traceColumns(),
    })
    .execute();
}
