import type { Queue } from '@queue-manager/contracts/queues';
import { idempotent } from '../access/idempotent.ts';
import { queueFor } from '../access/membership.ts';
import { once } from '../db/idempotency.ts';
import type { Deps } from '../deps.ts';
import { type Line, lockLine } from '../line/line.ts';
import { queueView } from './queue-view.ts';

/** Runs a manager's POST on a queue: authorises, changes once per idempotency key, returns the queue. */
export async function changeQueueOnce(
  deps: Deps,
  contract: { operationId: string },
  request: {
    params: { queueId: string };
    claims: { sub: string };
    body: unknown;
    idempotencyKey: string | null;
  },
  change: (line: Line) => Promise<void>,
): Promise<Queue> {
  const { queue } = await queueFor(deps.db, request.params.queueId, request.claims.sub, 'manager');
  const repeatable = idempotent(contract, request, queue.id);
  const { result, events } = await deps.lines.run(request.params.queueId, () =>
    once(deps, repeatable, async (trx) => {
      const line = await lockLine(deps, trx, queue.id);
      await change(line);
      return { result: queueView(deps, line.queue), events: await line.write() };
    }),
  );
  await deps.feed.committed(events);
  return result;
}
