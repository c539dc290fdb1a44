import type { Clock } from '@queue-manager/service-kit/clock';
import { dayMs } from '@queue-manager/service-kit/durations';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { sql } from 'kysely';
import { type Database, inTransaction } from '../db/database.ts';
import type { TaskKindName } from '../line/task-kinds.ts';

/** How often a venue's old personal data is erased. */
export const retentionEveryMs = dayMs;

const batchSize = 100;
const kind: TaskKindName = 'retention.erase';

/**
 * Plans the erasure of old personal data for venues whose day it is, some at a time; gives back how many. The
 * task and the next day are written together, and several instances take different venues. A venue that a
 * change has locked at this moment is found a minute later.
 *
 * One whose task still waits to be handed out gets no second one: that one will look at the venue as it then
 * is. One that runs, or has failed, stands in the way of nothing, since erasing twice erases the same.
 */
export async function planRetention({
  db,
  clock,
}: {
  db: Database;
  clock: Clock;
}): Promise<number> {
  return inTransaction(db, async (trx) => {
    const now = clock.now();
    const { rows: venues } = await sql<{ id: Buffer }>`
      SELECT id FROM venues FORCE INDEX (venues_retention)
      WHERE deleted_at IS NULL AND retention_due_at <= ${now}
      ORDER BY retention_due_at LIMIT ${batchSize}
      FOR UPDATE SKIP LOCKED`.execute(trx);
    if (venues.length === 0) return 0;
    const ids = venues.map(({ id }) => id);
    await trx
      .updateTable('venues')
      .set({ retention_due_at: new Date(now.getTime() + retentionEveryMs) })
      .where('id', 'in', ids)
      .execute();
    const waiting = await trx
      .selectFrom('tasks')
      .select('venue_id')
      .where('venue_id', 'in', ids)
      .where('kind', '=', kind)
      .where('state', '=', 'scheduled')
      .execute();
    const isPlanned = new Set(waiting.map(({ venue_id }) => venue_id.toString('hex')));
    const tasks = ids
      .filter((id) => !isPlanned.has(id.toString('hex')))
      .map((venue_id) => ({
        venue_id,
        id: uuidToBytes(newId(clock)),
        kind,
        queue_id: null,
        party_id: null,
        payload: '{}',
        state: 'scheduled' as const,
        last_error: null,
        run_at: now,
        lease_until: null,
        updated_at: now,
      }));
    if (tasks.length > 0) await trx.insertInto('tasks').values(tasks).execute();
    return venues.length;
  });
}
