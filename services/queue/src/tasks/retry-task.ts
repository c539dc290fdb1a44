import { retryTask as contract } from '@queue-manager/contracts/tasks';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import { sql } from 'kysely';
import { idempotent } from '../access/idempotent.ts';
import { taskFor } from '../access/membership.ts';
import { once } from '../db/idempotency.ts';
import type { Deps } from '../deps.ts';
import { taskView } from './task-view.ts';

/** Starts a new generation of the task, so that a mail that may have been sent is sent again. */
export const retryTask = (deps: Deps) =>
  route(contract, async function retryTask({ params, claims, idempotencyKey }) {
    const { venue_id, id } = await taskFor(deps.db, params.taskId, claims.sub, 'manager');
    const request = { claims, idempotencyKey, body: null };
    const { result } = await once(deps, idempotent(contract, request, id), async (trx) => {
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
    });
    deps.wakeDispatcher();
    return result;
  });
