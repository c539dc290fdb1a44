import { lanes } from '@queue-manager/contracts/parties';
import type { PartyMove } from '@queue-manager/contracts/party-moves';
import { sql } from 'kysely';
import type { DatabaseTransaction } from '../db/database.ts';
import type { PartyRow, QueueRow } from '../db/tables.ts';
import type { TaskPlan } from './task-plan.ts';

/** The change that work follows from, under the lock of its line. */
type LineChange = { trx: DatabaseTransaction; queue: QueueRow; now: Date; tasks: TaskPlan };

/** From which place in the line a guest is told that its turn is near. */
const almostTherePlace = 3;

/** Which move of a party has which work follow. `before` is the party as it stood. */
export async function planFollowUp(
  line: LineChange,
  move: PartyMove,
  before: PartyRow,
  party: PartyRow,
): Promise<void> {
  const { tasks, now, queue } = line;
  switch (move) {
    case 'call': {
      const isAgain = before.state === 'called';
      if (isAgain) tasks.cancel(party.id, ['call.expire']);
      tasks.schedule(isAgain ? 'notify.recalled' : 'notify.called', party.id);
      tasks.schedule('call.expire', party.id, {
        runAt: new Date(now.getTime() + queue.call_grace_seconds * 1_000),
        payload: { calls: party.calls },
      });
      return;
    }
    case 'noShow':
      tasks.cancel(party.id);
      tasks.schedule('notify.no-show', party.id);
      return;
    case 'confirm':
      tasks.schedule('call.expire', party.id, {
        runAt: await endOfConfirmedCall(line, party),
        payload: { calls: party.calls, confirmed: true },
      });
      return;
    case 'move':
    case 'snooze':
      return;
    case 'seat':
    case 'depart':
    case 'leave':
    case 'remove':
      tasks.cancel(party.id);
      return;
    case 'restore':
      tasks.cancel(party.id);
      // Others were not told that their place was gone: by no mail, nor by the answer to their own leaving.
      if (before.state === 'no_show' || before.state === 'removed') {
        tasks.schedule('notify.restored', party.id);
      }
  }
}

/**
 * When the call of a guest who is on its way ends: after twice the time that the call was given, or that the
 * queue gives by now if that is more. A manager may have changed it since; to confirm is never to lose time.
 */
async function endOfConfirmedCall(
  { trx, queue, tasks }: LineChange,
  { id, called_at }: PartyRow,
): Promise<Date> {
  if (called_at === null) throw new Error('A party that confirms was called');
  // Those of earlier calls were cancelled, or were due before this one.
  const { rows } = await sql<{ run_at: Date }>`
    SELECT run_at FROM tasks FORCE INDEX (tasks_party)
    WHERE party_id = ${id} AND kind = 'call.expire'`.execute(trx);
  const given = rows.map(({ run_at }) => run_at.getTime() - called_at.getTime());
  tasks.cancel(id, ['call.expire']);
  return new Date(called_at.getTime() + 2 * Math.max(queue.call_grace_seconds * 1_000, ...given));
}

/**
 * Tells those who have come to the front, third in line or before, that it is nearly their turn: each once,
 * and none who joined that near to the front, since its place was told on joining. Called when someone left
 * the line, under its lock; one seek into `parties_line`, however long the line is.
 */
export async function planAlmostThere({ trx, queue, tasks }: LineChange): Promise<void> {
  const { rows } = await sql<{ id: Buffer }>`
    SELECT front.id
    FROM (
      SELECT id, almost_there FROM parties FORCE INDEX (parties_line)
      WHERE queue_id = ${queue.id} AND state = 'waiting'
      ORDER BY lane, order_key, id LIMIT ${almostTherePlace}
    ) AS front
    JOIN personal AS c ON c.queue_id = ${queue.id} AND c.party_id = front.id
    WHERE front.almost_there = 0 AND c.email IS NOT NULL`.execute(trx);
  if (rows.length === 0) return;
  const ids = rows.map(({ id }) => id);
  await trx
    .updateTable('parties')
    .set({ almost_there: 1 })
    .where('queue_id', '=', queue.id)
    .where('id', 'in', ids)
    .execute();
  for (const id of ids) tasks.schedule('notify.almost-there', id);
}

/** Whether a party that joins in this lane stands that near to the front; read before it is written. */
export async function joinsNearFront({ trx, queue }: LineChange, lane: number): Promise<boolean> {
  if (queue.waiting < almostTherePlace) return true;
  // Behind everybody.
  if (lane === lanes.length - 1) return false;
  const { rows } = await sql`
    SELECT 1 FROM parties FORCE INDEX (parties_line)
    WHERE queue_id = ${queue.id} AND state = 'waiting' AND lane <= ${lane}
    LIMIT ${almostTherePlace}`.execute(trx);
  return rows.length < almostTherePlace;
}
