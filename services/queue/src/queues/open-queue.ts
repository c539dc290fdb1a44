import { openQueue as contract } from '@queue-manager/contracts/queues';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { changeQueueOnce } from './change-queue-once.ts';

export const openQueue = (deps: Deps) =>
  route(contract, (request) =>
    changeQueueOnce(deps, contract, request, async (line) => {
      if (line.queue.state === 'open') return;
      line.set({ state: 'open' });
      line.queueChanged({ kind: 'staff', userId: request.claims.sub });
    }),
  );
