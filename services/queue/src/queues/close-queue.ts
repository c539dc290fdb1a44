import { closeQueue as contract } from '@queue-manager/contracts/queues';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { removeAll } from '../line/remove-all.ts';
import { changeQueueOnce } from './change-queue-once.ts';

export const closeQueue = (deps: Deps) =>
  route(contract, (request) =>
    changeQueueOnce(deps, request, contract.operationId, async (line) => {
      const actor = { kind: 'staff', userId: request.claims.sub } as const;
      if (line.queue.state !== 'closed') {
        line.set({ state: 'closed' });
        line.queueChanged(actor);
      }
      if (request.body.expireWaiting) await removeAll(line, ['waiting'], actor, 'The queue closed');
    }),
  );
