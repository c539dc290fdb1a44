import type { PartyState } from '@queue-manager/contracts/parties';
import { sql } from 'kysely';
import type { PartyRow, TaskRow } from '../db/tables.ts';
import { isOneOf } from '../db/task-keys.ts';
import type { LineChange } from './follow-up.ts';
import type { TaskKindName } from './task-kinds.ts';

/** The word that tells a guest the truth about its state, and the words that say the same. Nobody mails those inside. */
const words: Partial<Record<PartyState, { word: TaskKindName; same: readonly TaskKindName[] }>> = {
  waiting: { word: 'notify.restored', same: ['notify.joined', 'notify.almost-there'] },
  called: { word: 'notify.called', same: ['notify.recalled'] },
  no_show: { word: 'notify.no-show', same: [] },
  removed: { word: 'notify.removed', same: [] },
  // It left by itself, and was restored by mistake.
  left: { word: 'notify.removed', same: [] },
};

type Told = Pick<TaskRow, 'venue_id' | 'id' | 'kind' | 'state' | 'payload'>;

/**
 * Plans what follows when an event is taken back. `party` is as it was before the event.
 *
 * - What the event scheduled and is not handed out yet is cancelled.
 * - A guest who was told what is not true any more is told what is. One whose mail was cancelled by the event, unsent, gets
 *   that mail now.
 * - A call that is open again gets its grace time anew, twice if the guest has confirmed.
 */
export async function planCorrection(
  { trx, queue, now, tasks }: LineChange,
  undone: { seq: number; type: string },
  party: PartyRow,
  hasEmail: boolean,
): Promise<void> {
  const seqOf = ({ payload }: Told) => (JSON.parse(payload) as { seq?: number }).seq ?? 0;
  const { rows } = await sql<Told>`
    SELECT venue_id, id, kind, state, payload FROM tasks FORCE INDEX (tasks_party)
    WHERE party_id = ${party.id}`.execute(trx);
  // Locked ones are being handed out, as in `TaskPlan`.
  const { rows: free } = await sql<Told>`
    SELECT venue_id, id, kind, state, payload FROM tasks FORCE INDEX (tasks_party)
    WHERE party_id = ${party.id} AND state = 'scheduled' FOR UPDATE SKIP LOCKED`.execute(trx);
  const isTimerOver = undone.type !== 'party.changed';
  const cancelled = free.filter(
    (task) => seqOf(task) >= undone.seq || (isTimerOver && task.kind === 'call.expire'),
  );
  if (cancelled.length > 0) await trx.deleteFrom('tasks').where(isOneOf(cancelled)).execute();

  if (isTimerOver && party.state === 'called') {
    const confirmed = party.confirmed_at !== null;
    const graceMs = (confirmed ? 2 : 1) * queue.call_grace_seconds * 1_000;
    tasks.schedule('call.expire', party.id, {
      runAt: new Date(now.getTime() + graceMs),
      payload: { calls: party.calls, ...(confirmed ? { confirmed } : {}) },
    });
  }

  const truth = words[party.state];
  if (!hasEmail || truth === undefined) return;
  const isTrue = ({ kind }: Told) => kind === truth.word || truth.same.some((one) => one === kind);
  const isCancelled = ({ id }: Told) => cancelled.some((task) => task.id.equals(id));
  const mails = rows
    .filter((task) => task.kind.startsWith('notify.') && !isCancelled(task))
    .sort((a, b) => seqOf(a) - seqOf(b));
  const since = mails.filter(
    (task) => seqOf(task) >= undone.seq && task.state !== 'skipped' && task.state !== 'failed',
  );
  if (since.some((task) => !isTrue(task))) tasks.schedule(truth.word, party.id);
  if (since.length > 0 || undone.type === 'party.joined') return;

  const last = mails.findLast(
    (task) => seqOf(task) < undone.seq && task.kind !== 'notify.almost-there',
  );
  if (last === undefined && party.state === 'waiting') tasks.schedule('notify.joined', party.id);
  else if (last === undefined || (!isTrue(last) && !isOwnDoing(last, party))) {
    tasks.schedule(truth.word, party.id);
  }
}

/** The guest gave up this call, or left by itself, and needs no mail to know. */
function isOwnDoing({ kind }: Told, { state }: PartyRow): boolean {
  const isCall = kind === 'notify.called' || kind === 'notify.recalled';
  return state === 'left' || (state === 'waiting' && isCall);
}
