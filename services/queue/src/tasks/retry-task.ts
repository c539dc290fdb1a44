import { retryTask as contract } from '@queue-manager/contracts/tasks';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import { sql } from 'kysely';
import { taskFor } from '../access/membership.ts';
import { once } from '../db/idempotency.ts';
import type { Deps } from '../deps.ts';
import { taskView } from './task-view.ts';

/** A new generation of the task, so that a mail which may have gone out before is sent again. */
export const retryTask = (deps: Deps) =>
  route(contract, async ({ params, claims, idempotencyKey }) => {
    const { venue_id, id } = await taskFor(deps.db, params.taskId, claims.sub, 'manager');
    const { result } = await once(
      deps,
      {
        key: idempotencyKey,
        caller: claims.sub,
        operationId: contract.operationId,
        target: uuidToBytes(params.taskId),
        body: null,
      },
      async (trx) => {
        const task = await trx
          .selectFrom('tasks')
          .selectAll()
          .where('venue_id', '=', venue_id)
          .where('id', '=', id)
          .forUpdate()
          .executeTakeFirst();
        if (task === undefined) throw problems.notFound();
        if (task.state !== 'failed') {
          throw problems.taskNotFailed({ detail: `The task is ${task.state}, not failed.` });
        }
        const now = deps.clock.now();
        const changes = { state: 'scheduled', refusals: 0, run_at: now, updated_at: now } as const;
        await trx
          .updateTable('tasks')
          .set({ ...changes, generation: sql`generation + 1` })
          .where('venue_id', '=', venue_id)
          .where('id', '=', id)
          .execute();
        return { result: taskView({ ...task, ...changes }), events: [] };
      },
    );
    deps.wakeDispatcher();
    return result;
  });
