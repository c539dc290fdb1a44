import type { Actor } from '@queue-manager/contracts/events';
import { deleteQueue as contract } from '@queue-manager/contracts/queues';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import { route } from '@queue-manager/service-kit/route';
import { lockVenue } from '../access/lock-venue.ts';
import { queueFor } from '../access/membership.ts';
import { inTransaction } from '../db/database.ts';
import type { QueueRow } from '../db/tables.ts';
import type { Deps } from '../deps.ts';
import { type Line, lockLine } from '../line/line.ts';
import { removeSlice, sliceSize } from '../line/remove-slice.ts';

export const deleteQueue = (deps: Deps) =>
  route(contract, async function deleteQueue({ params, claims }) {
    const { queue } = await queueFor(deps.db, params.queueId, claims.sub, 'manager');
    const actor = { kind: 'staff', userId: claims.sub } as const;
    await shortenLine(deps, queue, actor);
    const events = await deps.lines.run(params.queueId, () =>
      inTransaction(deps.db, async (trx) => {
        await lockVenue(trx, queue.venue_id);
        const line = await lockLine(deps, trx, queue.id);
        await closeForGood(line, actor);
        return line.write();
      }),
    );
    await deps.feed.committed(events);
  });

/** Closes a queue with a long line and removes most of it slice by slice, so that `closeForGood` takes little time. */
export async function shortenLine(
  deps: Deps,
  { id, waiting, called }: Pick<QueueRow, 'id' | 'waiting' | 'called'>,
  actor: Actor,
): Promise<void> {
  for (let left = waiting + called; left > sliceSize; ) {
    const slice = await deps.lines.run(bytesToUuid(id), () =>
      inTransaction(deps.db, async (trx) => {
        const line = await lockLine(deps, trx, id);
        if (line.queue.state !== 'closed') {
          line.set({ state: 'closed' });
          line.queueChanged(actor);
        }
        await removeSlice(line, line.queue.waiting > 0 ? 'waiting' : 'called', actor);
        return { left: line.queue.waiting + line.queue.called, events: await line.write() };
      }),
    );
    await deps.feed.committed(slice.events);
    left = slice.left;
  }
}

/** Removes all parties, deletes the learned model and marks the queue deleted. Its history stays for reports. */
export async function closeForGood(line: Line, actor: Actor): Promise<void> {
  for (const state of ['waiting', 'called'] as const) {
    while (await removeSlice(line, state, actor));
  }
  await line.trx.deleteFrom('models').where('queue_id', '=', line.queue.id).execute();
  line.set({ state: 'closed', deleted_at: line.now });
  line.queueChanged(actor);
}
