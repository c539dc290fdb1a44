import { closeQueue as contract } from '@queue-manager/contracts/queues';
import { route } from '@queue-manager/service-kit/route';
import { insertRows } from '../db/write-rows.ts';
import type { Deps } from '../deps.ts';
import { newTask } from '../line/new-task.ts';
import { reasonOfClosing, removeSlice } from '../line/remove-slice.ts';
import { changeQueueOnce } from './change-queue-once.ts';

export const closeQueue = (deps: Deps) =>
  route(contract, (request) =>
    changeQueueOnce(deps, contract, request, async (line) => {
      const actor = { kind: 'staff', userId: request.claims.sub } as const;
      if (line.queue.state !== 'closed') {
        line.set({ state: 'closed' });
        line.queueChanged(actor);
      }
      if (!request.body.expireWaiting) return;
      // The task removes the rest of a long line, in transactions of its own.
      const reason = reasonOfClosing;
      if (await removeSlice(line, 'waiting', actor, { reason })) {
        const { venue_id, id, seq } = line.queue;
        const payload = { userId: actor.userId, seq };
        await insertRows(line.trx, 'tasks', [
          newTask(deps.clock, line.now, { venue_id, queue_id: id, kind: 'queue.clear', payload }),
        ]);
      }
    }),
  );
