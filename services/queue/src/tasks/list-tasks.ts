import { listTasks as contract, taskStates } from '@queue-manager/contracts/tasks';
import { route } from '@queue-manager/service-kit/route';
import { type RawBuilder, sql } from 'kysely';
import { venueFor } from '../access/membership.ts';
import { decodeIdCursor, encodeIdCursor } from '../db/id-cursor.ts';
import { pageOf } from '../db/page-of.ts';
import type { TaskRow } from '../db/tables.ts';
import type { Deps } from '../deps.ts';
import { taskView } from './task-view.ts';

/**
 * Latest first: ids are ordered by creation time. Each filter reads one range of an index in that order; a kind in any
 * state reads four and merges them.
 */
export const listTasks = (deps: Deps) =>
  route(contract, async function listTasks({ params, query, claims }) {
    const venue = await venueFor(deps.db, params.venueId, claims.sub, 'manager');
    const { limit, kind, state } = query;
    const before =
      query.cursor === undefined ? sql`` : sql`AND id < ${decodeIdCursor(query.cursor)}`;
    const inOrder = sql`ORDER BY id DESC LIMIT ${limit + 1}`;
    const head = (index: string, filter: RawBuilder<unknown>) => sql`
      (SELECT * FROM tasks FORCE INDEX (${sql.ref(index)})
       WHERE venue_id = ${venue.id} ${filter} ${before} ${inOrder})`;
    const heads =
      kind !== undefined
        ? (state === undefined ? taskStates : [state]).map((one) =>
            head('tasks_kinds', sql`AND kind = ${kind} AND state = ${one}`),
          )
        : [
            state === undefined
              ? head('PRIMARY', sql``)
              : head('tasks_list', sql`AND state = ${state}`),
          ];
    const { rows } = await sql<TaskRow>`
      SELECT * FROM (${sql.join(heads, sql` UNION ALL `)}) AS heads ${inOrder}`.execute(deps.db);

    const { shown, nextCursor } = pageOf(rows, limit, ({ id }) => encodeIdCursor(id));
    return { data: shown.map(taskView), nextCursor };
  });
