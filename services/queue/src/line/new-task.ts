import type { Clock } from '@queue-manager/service-kit/clock';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { traceColumns } from '../db/trace-context.ts';
import type { TaskKindName } from './task-kinds.ts';

type NewTask = {
  venue_id: Buffer;
  kind: TaskKindName;
  queue_id?: Buffer;
  party_id?: Buffer;
  /** Ids and numbers, no personal data. */
  payload?: Record<string, unknown>;
  /** Due now by default. */
  run_at?: Date;
};

/** The row of a task that is scheduled. */
export function newTask(clock: Clock, now: Date, { payload = {}, ...task }: NewTask) {
  return {
    id: uuidToBytes(newId(clock)),
    queue_id: null,
    party_id: null,
    payload: JSON.stringify(payload),
    state: 'scheduled' as const,
    last_error: null,
    run_at: now,
    lease_until: null,
    updated_at: now,
    ...traceColumns(),
    ...task,
  };
}
