import type { Task } from '@queue-manager/contracts/tasks';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import type { TaskRow } from '../db/tables.ts';

export function taskView(row: TaskRow): Task {
  return {
    id: bytesToUuid(row.id),
    kind: row.kind,
    partyId: row.party_id && bytesToUuid(row.party_id),
    state: row.state,
    attempts: row.attempts,
    lastError: row.last_error,
    runAt: row.run_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}
