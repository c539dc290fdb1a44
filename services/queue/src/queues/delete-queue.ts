import type { Actor } from '@queue-manager/contracts/events';
import { deleteQueue as contract } from '@queue-manager/contracts/queues';
import { route } from '@queue-manager/service-kit/route';
import { lockVenue } from '../access/lock-venue.ts';
import { queueFor } from '../access/membership.ts';
import { inTransaction } from '../db/database.ts';
import { insertRows } from '../db/write-rows.ts';
import type { Deps } from '../deps.ts';
import { type Line, lockLine } from '../line/line.ts';
import { newTask } from '../line/new-task.ts';

export const deleteQueue = (deps: Deps) =>
  route(contract, async function deleteQueue({ params, claims }) {
    const { queue } = await queueFor(deps.db, params.queueId, claims.sub, 'manager');
    const events = await deps.lines.run(params.queueId, () =>
      inTransaction(deps.db, async (trx) => {
        await lockVenue(trx, queue.venue_id);
        const line = await lockLine(deps, trx, queue.id);
        await closeForGood(deps, line, { kind: 'staff', userId: claims.sub });
        return line.write();
      }),
    );
    await deps.feed.committed(events);
  });

/**
 * Marks the queue deleted and deletes its learned model. Its history stays for reports. From now on, its parties count
 * as removed; a task removes them, however many there are.
 */
export async function closeForGood(
  { clock }: Pick<Deps, 'clock'>,
  line: Line,
  actor: Actor,
): Promise<void> {
  const { id, venue_id, waiting, called } = line.queue;
  await line.trx.deleteFrom('models').where('queue_id', '=', id).execute();
  line.set({ state: 'closed', deleted_at: line.now });
  line.queueChanged(actor);
  if (waiting + called === 0) return;
  await insertRows(line.trx, 'tasks', [
    newTask(clock, line.now, {
      venue_id,
      queue_id: id,
      kind: 'queue.delete',
      payload: { actor },
    }),
  ]);
}
