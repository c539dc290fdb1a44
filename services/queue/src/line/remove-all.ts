import type { Actor } from '@queue-manager/contracts/events';
import type { PartyState } from '@queue-manager/contracts/parties';
import type { Line } from './line.ts';

/** Removes every party in the given states, in the order of the line, each with its own event. */
export async function removeAll(
  line: Line,
  states: readonly PartyState[],
  actor: Actor,
  reason?: string,
): Promise<void> {
  const parties = await line.trx
    .selectFrom('parties')
    .selectAll()
    .where('queue_id', '=', line.queue.id)
    .where('state', 'in', states)
    .orderBy('lane')
    .orderBy('order_key')
    .orderBy('id')
    .execute();
  await line.removeAll(parties, actor, reason);
}
