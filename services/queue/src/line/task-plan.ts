import type { Clock } from '@queue-manager/service-kit/clock';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { sql } from 'kysely';
import type { DatabaseTransaction } from '../db/database.ts';
import { isOneOf } from '../db/task-keys.ts';
import { traceColumns } from '../db/trace-context.ts';
import { insertRows } from '../db/write-rows.ts';
import type { TaskKindName } from './task-kinds.ts';

/** Keeps a statement far below any server's packet limit when a whole line is removed. */
const cancelledPerStatement = 500;

/** The queue whose parties the tasks are about. */
type Place = { venue_id: Buffer; id: Buffer };

type Planned = {
  kind: TaskKindName;
  partyId: Buffer;
  runAt: Date;
  payload: Record<string, unknown>;
};

/** The tasks that one change of a line schedules and cancels; written with it, in its transaction. */
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

  /** Schedules work about a party, due now unless `runAt` says when. */
  schedule(
    kind: TaskKindName,
    partyId: Buffer,
    options: { runAt?: Date; payload?: Record<string, unknown> } = {},
  ): void {
    const { runAt = this.#now, payload = {} } = options;
    this.#planned.push({ kind, partyId, runAt, payload });
  }

  /** Cancels what is scheduled about a party and not handed out yet, of all kinds or of those given. */
  cancel(partyId: Buffer, kinds?: readonly TaskKindName[]): void {
    const isCancelled = (task: Planned) =>
      task.partyId.equals(partyId) && (kinds === undefined || kinds.includes(task.kind));
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

  async write(trx: DatabaseTransaction, place: Place): Promise<void> {
    const cancelled = [...this.#cancelled.values()];
    for (let from = 0; from < cancelled.length; from += cancelledPerStatement) {
      await this.#delete(trx, cancelled.slice(from, from + cancelledPerStatement));
    }
    const trace = traceColumns();
    await insertRows(
      trx,
      'tasks',
      this.#planned.map(({ kind, partyId, runAt, payload }) => ({
        venue_id: place.venue_id,
        id: uuidToBytes(newId(this.#clock)),
        kind,
        queue_id: place.id,
        party_id: partyId,
        payload: JSON.stringify(payload),
        state: 'scheduled' as const,
        last_error: null,
        run_at: runAt,
        lease_until: null,
        updated_at: this.#now,
        ...trace,
      })),
    );
  }

  /**
   * Passes over rows that somebody else has locked, so that a change of a line never waits for a dispatcher.
   * Mostly these are tasks being handed out. In a small table it can also be a row that a scan has only looked
   * at; such a task stays scheduled and is handed out. So cancelling saves work and promises nothing: each
   * handler looks again at what its task is about. Deleted by primary key, in its order.
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
