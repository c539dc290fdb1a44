import { replaceJoinCode as contract } from '@queue-manager/contracts/queues';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { changeQueueOnce } from './change-queue-once.ts';
import { newJoinCode } from './join-code.ts';

export const replaceJoinCode = (deps: Deps) =>
  route(contract, (request) =>
    changeQueueOnce(deps, contract, request, async (line) => {
      line.set({ join_code: newJoinCode() });
      line.queueChanged({ kind: 'staff', userId: request.claims.sub });
    }),
  );
