import { lanes } from '@queue-manager/contracts/parties';
import type { PartyMove } from '@queue-manager/contracts/party-moves';
import { sql } from 'kysely';
import type { DatabaseTransaction } from '../db/database.ts';
import { preparedQuery } from '../db/prepared-query.ts';
import type { LockedParty, PartyRow, QueueRow } from '../db/tables.ts';
import { updateRow } from '../db/write-rows.ts';
import type { TaskKindName } from './task-kinds.ts';
import type { TaskPlan } from './task-plan.ts';

/** A change of a line under its lock. */
export type LineChange = { trx: DatabaseTransaction; queue: QueueRow; now: Date; tasks: TaskPlan };

/** From this position on, a guest is notified that it is almost there. */
const almostTherePlace = 3;

/**
 * Schedules and cancels the tasks that follow a move. `before` is the party before the move. A party without an e-mail
 * address gets no `notify.*` tasks.
 */
export async function planFollowUp(
  line: LineChange,
  move: PartyMove,
  before: PartyRow & Partial<LockedParty>,
  party: PartyRow,
): Promise<void> {
  const { tasks, now, queue } = line;
  const notify = (kind: TaskKindName) => {
    if (before.has_email === 1) tasks.schedule(kind, party.id);
  };
  switch (move) {
    case 'call': {
      const isAgain = before.state === 'called';
      if (isAgain) tasks.cancel(party.id, ['call.expire']);
      notify(isAgain ? 'notify.recalled' : 'notify.called');
      tasks.schedule('call.expire', party.id, {
        runAt: new Date(now.getTime() + queue.call_grace_seconds * 1_000),
        payload: { calls: party.calls },
      });
      return;
    }
    case 'noShow':
      tasks.cancel(party.id);
      notify('notify.no-show');
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
    case 'giveUpCall':
      tasks.cancel(party.id, [
        'call.expire',
        'notify.called',
        'notify.recalled',
        'notify.almost-there',
      ]);
      return;
    case 'seat':
    case 'depart':
    case 'leave':
      tasks.cancel(party.id);
      return;
    case 'remove':
      tasks.cancel(party.id);
      notify('notify.removed');
      return;
    case 'restore':
      tasks.cancel(party.id);
      // Those who were seated are inside, and talk to the host.
      if (before.state !== 'seated' && before.state !== 'departed') notify('notify.restored');
  }
}

/** Notifies a party at its new address: of its ticket, or of its call. */
export function planNewAddress({ tasks }: LineChange, { id, state }: PartyRow): void {
  if (state !== 'waiting' && state !== 'called') return;
  const kind = state === 'waiting' ? 'notify.joined' : 'notify.called';
  // A task that is not handed out yet would send the same mail to the new address.
  tasks.cancel(id, [kind]);
  tasks.schedule(kind, id);
}

/**
 * When a confirmed call expires: after twice the grace time that the call had, or that the queue has now if that is
 * longer. A manager may have changed it since; confirming must never shorten it.
 */
async function endOfConfirmedCall(
  { trx, queue, tasks }: LineChange,
  { id, called_at }: PartyRow,
): Promise<Date> {
  if (called_at === null) throw new Error('A party that was not called cannot confirm');
  // Tasks of earlier calls were cancelled, or were due before this call.
  const { rows } = await sql<{ run_at: Date }>`
    SELECT run_at FROM tasks FORCE INDEX (tasks_party)
    WHERE party_id = ${id} AND kind = 'call.expire'`.execute(trx);
  const graceMs = rows.map(({ run_at }) => run_at.getTime() - called_at.getTime());
  tasks.cancel(id, ['call.expire']);
  return new Date(called_at.getTime() + 2 * Math.max(queue.call_grace_seconds * 1_000, ...graceMs));
}

const selectFront = (limit: number) => `
  SELECT p.*, c.email IS NOT NULL AS has_email
  FROM (
    SELECT * FROM parties FORCE INDEX (parties_line)
    WHERE queue_id = ? AND state = 'waiting'
    ORDER BY lane, order_key, id LIMIT ${limit}
  ) AS p
  LEFT JOIN personal AS c ON c.queue_id = p.queue_id AND c.party_id = p.id
  ORDER BY p.lane, p.order_key, p.id`;
const selectAlmostThere = selectFront(almostTherePlace);
const selectFirstAndAlmostThere = selectFront(1 + almostTherePlace);

/**
 * The first waiting party, and those that are near the front once it has left, so that a call needs no second read for
 * `planAlmostThere`. Does not lock the rows, since the queue's row is locked, and does not skip locked ones, since a
 * skipped party would be overtaken. Reads four entries of `parties_line`, however long the line.
 */
export async function readFront(
  trx: DatabaseTransaction,
  queueId: Buffer,
): Promise<{ first: LockedParty | undefined; next: LockedParty[] }> {
  const { rows } = await trx.executeQuery(preparedQuery(selectFirstAndAlmostThere, [queueId]));
  const [first, ...next] = rows as LockedParty[];
  return { first, next };
}

/**
 * Schedules "almost there" for parties that have come to the front, third in line or before: once each, and not for
 * those that joined there, who know it from the response. Call it after a party has left its place, with the front of
 * the line if that is known. A party that was put further back is notified again when it returns to the front.
 */
export async function planAlmostThere(
  { trx, queue, tasks }: LineChange,
  {
    front: known,
    moved,
  }: { front: readonly LockedParty[] | undefined; moved: PartyRow | undefined },
): Promise<void> {
  const front =
    known ??
    ((await trx.executeQuery(preparedQuery(selectAlmostThere, [queue.id]))).rows as LockedParty[]);
  if (moved?.almost_there === 1 && !front.some(({ id }) => id.equals(moved.id))) {
    const { queue_id, id } = moved;
    await updateRow(trx, 'parties', { almost_there: 0 }, { queue_id, id });
  }
  const ids = front.flatMap(({ id, almost_there, has_email }) =>
    almost_there === 0 && has_email === 1 ? [id] : [],
  );
  if (ids.length === 0) return;
  await trx
    .updateTable('parties')
    .set({ almost_there: 1 })
    .where('queue_id', '=', queue.id)
    .where('id', 'in', ids)
    .execute();
  for (const id of ids) tasks.schedule('notify.almost-there', id);
}

/**
 * Whether a party that joins this lane will be near the front: at its end, or at `orderKey`. Call it before the party is
 * written.
 */
export async function joinsNearFront(
  { trx, queue }: LineChange,
  lane: number,
  orderKey: Buffer | null,
): Promise<boolean> {
  if (queue.waiting < almostTherePlace) return true;
  // Behind all others.
  if (lane === lanes.length - 1 && orderKey === null) return false;
  const ahead =
    orderKey === null
      ? sql`lane <= ${lane}`
      : sql`(lane < ${lane} OR (lane = ${lane} AND order_key < ${orderKey}))`;
  const { rows } = await sql`
    SELECT 1 FROM parties FORCE INDEX (parties_line)
    WHERE queue_id = ${queue.id} AND state = 'waiting' AND ${ahead}
    LIMIT ${almostTherePlace}`.execute(trx);
  return rows.length < almostTherePlace;
}
