import type { Clock } from '@queue-manager/service-kit/clock';
import { sql } from 'kysely';
import type { DatabaseTransaction } from '../db/database.ts';
import type { QueueRow } from '../db/tables.ts';
import { isOneOf } from '../db/task-keys.ts';
import { insertRows } from '../db/write-rows.ts';
import { newTask } from './new-task.ts';
import type { TaskKindName } from './task-kinds.ts';

/** Keeps a statement far below any server's packet limit when a whole line is removed. */
const cancelledPerStatement = 500;

type Planned = {
  kind: TaskKindName;
  party_id: Buffer;
  run_at: Date;
  payload: Record<string, unknown>;
};

/** The tasks that one change of a line schedules and cancels, written in its transaction. */
export class TaskPlan {
  readonly #clock: Clock;
  readonly #now: Date;
  #planned: Planned[] = [];
  /** Which kinds of a party's tasks are cancelled; null for all. */
  readonly #cancelled = new Map<string, { partyId: Buffer; kinds: Set<string> | null }>();

  constructor(clock: Clock, now: Date) {
    this.#clock = clock;
    this.#now = now;
  }

  /** Schedules a task of a party; due now by default. */
  schedule(
    kind: TaskKindName,
    partyId: Buffer,
    options: { runAt?: Date; payload?: Record<string, unknown> } = {},
  ): void {
    const { runAt = this.#now, payload = {} } = options;
    this.#planned.push({ kind, party_id: partyId, run_at: runAt, payload });
  }

  /** Cancels the party's tasks that are not handed out yet: those of some kinds, by default all. */
  cancel(partyId: Buffer, kinds?: readonly TaskKindName[]): void {
    const isCancelled = (task: Planned) =>
      task.party_id.equals(partyId) && (kinds === undefined || kinds.includes(task.kind));
    this.#planned = this.#planned.filter((task) => !isCancelled(task));
    const key = partyId.toString('hex');
    const earlier = this.#cancelled.get(key);
    this.#cancelled.set(key, {
      partyId,
      kinds:
        kinds === undefined || earlier?.kinds === null
          ? null
          : new Set([...(earlier?.kinds ?? []), ...kinds]),
    });
  }

  async write(
    trx: DatabaseTransaction,
    queue: Pick<QueueRow, 'id' | 'venue_id' | 'seq'>,
  ): Promise<void> {
    const cancelled = [...this.#cancelled.values()];
    for (let from = 0; from < cancelled.length; from += cancelledPerStatement) {
      await this.#delete(trx, cancelled.slice(from, from + cancelledPerStatement));
    }
    await insertRows(
      trx,
      'tasks',
      this.#planned.map((task) =>
        newTask(this.#clock, this.#now, {
          ...task,
          venue_id: queue.venue_id,
          queue_id: queue.id,
          // Of the change's last event: orders the mails to a party.
          payload: { ...task.payload, seq: queue.seq },
        }),
      ),
    );
  }

  /**
   * Skips rows that another transaction has locked, so that a change of a line never waits for a dispatcher. These are
   * mostly tasks that are being handed out; in a small table also rows that another query only scans. A skipped task
   * stays scheduled and is handed out, so cancelling only saves work: each handler checks whether its task still
   * applies. Deletes by primary key, in its order.
   */
  async #delete(
    trx: DatabaseTransaction,
    cancelled: readonly { partyId: Buffer; kinds: Set<string> | null }[],
  ): Promise<void> {
    const { rows } = await sql<{ venue_id: Buffer; id: Buffer; party_id: Buffer; kind: string }>`
      SELECT venue_id, id, party_id, kind FROM tasks FORCE INDEX (tasks_party)
      WHERE party_id IN (${sql.join(cancelled.map(({ partyId }) => partyId))}) AND state = 'scheduled'
      FOR UPDATE SKIP LOCKED`.execute(trx);
    const found = rows.filter(({ party_id, kind }) => {
      const kinds = this.#cancelled.get(party_id.toString('hex'))?.kinds;
      return kinds === null || kinds?.has(kind);
    });
    if (found.length === 0) return;
    await trx.deleteFrom('tasks').where(isOneOf(found)).execute();
  }
}
