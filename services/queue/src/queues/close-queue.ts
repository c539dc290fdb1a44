import { closeQueue as contract } from '@queue-manager/contracts/queues';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { reasonOfClosing, removeSlice } from '../line/remove-slice.ts';
import { scheduleVenueTask } from '../line/schedule-venue-task.ts';
import { changeQueueOnce } from './change-queue-once.ts';

export const closeQueue = (deps: Deps) =>
  route(contract, (request) =>
    changeQueueOnce(deps, request, contract.operationId, async (line) => {
      const actor = { kind: 'staff', userId: request.claims.sub } as const;
      if (line.queue.state !== 'closed') {
        line.set({ state: 'closed' });
        line.queueChanged(actor);
      }
      if (!request.body.expireWaiting) return;
      // The task removes the rest of a long line, in transactions of its own.
      const reason = reasonOfClosing;
      if (await removeSlice(line, 'waiting', actor, { reason })) {
        const payload = {
          queueId: request.params.queueId,
          userId: actor.userId,
          seq: line.queue.seq,
        };
        const task = { kind: 'queue.clear', payload } as const;
        await scheduleVenueTask(deps.clock, line.trx, line.queue.venue_id, task);
      }
    }),
  );
