import type { Actor } from '@queue-manager/contracts/events';
import { deleteQueue as contract } from '@queue-manager/contracts/queues';
import { route } from '@queue-manager/service-kit/route';
import { lockVenue } from '../access/lock-venue.ts';
import { queueFor } from '../access/membership.ts';
import { inTransaction } from '../db/database.ts';
import type { Deps } from '../deps.ts';
import { type Line, lockLine } from '../line/line.ts';
import { removeAll } from '../line/remove-all.ts';

export const deleteQueue = (deps: Deps) =>
  route(contract, async function deleteQueue({ params, claims }) {
    const { queue } = await queueFor(deps.db, params.queueId, claims.sub, 'manager');
    const events = await inTransaction(deps.db, async (trx) => {
      await lockVenue(trx, queue.venue_id);
      const line = await lockLine(deps, trx, queue.id);
      await closeForGood(line, { kind: 'staff', userId: claims.sub });
      return line.write();
    });
    await deps.feed.committed(events);
  });

/** Removes all parties, deletes the learned model and marks the queue deleted. Its history stays for reports. */
export async function closeForGood(line: Line, actor: Actor): Promise<void> {
  await removeAll(line, ['waiting', 'called'], actor);
  await line.trx.deleteFrom('models').where('queue_id', '=', line.queue.id).execute();
  line.set({ state: 'closed', deleted_at: line.now });
  line.queueChanged(actor);
}
