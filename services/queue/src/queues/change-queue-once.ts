import type { Queue } from '@queue-manager/contracts/queues';
import { queueFor } from '../access/membership.ts';
import { once } from '../db/idempotency.ts';
import type { Deps } from '../deps.ts';
import { type Line, lockLine } from '../line/line.ts';
import { queueView } from './queue-view.ts';

/** Runs a manager's POST on a queue: authorises, changes once per idempotency key, returns the queue. */
export async function changeQueueOnce(
  deps: Deps,
  request: {
    params: { queueId: string };
    claims: { sub: string };
    body: unknown;
    idempotencyKey: string | null;
  },
  operationId: string,
  change: (line: Line) => Promise<void>,
): Promise<Queue> {
  const { params, claims, body, idempotencyKey } = request;
  const { queue } = await queueFor(deps.db, params.queueId, claims.sub, 'manager');
  const key = { key: idempotencyKey, caller: claims.sub, operationId, target: queue.id, body };
  const { result, events } = await deps.lines.run(params.queueId, () =>
    once(deps, key, async (trx) => {
      const line = await lockLine(deps, trx, queue.id);
      await change(line);
      return { result: queueView(deps, line.queue), events: await line.write() };
    }),
  );
  await deps.feed.committed(events);
  return result;
}
