import type { EventData } from '@queue-manager/contracts/events';
import type { Clock } from '@queue-manager/service-kit/clock';
import type { TicketCodec } from '@queue-manager/service-kit/tickets';
import type { InvitationTokens } from '../access/invitation-tokens.ts';
import type { UnsubscribeTokens } from '../access/unsubscribe-tokens.ts';
import type { Database } from '../db/database.ts';
import type { TaskRow } from '../db/tables.ts';
import type { Deps } from '../deps.ts';

/** A task as its `task.due` message carries it. */
export type DueTask = EventData<'task.due'>;

export type Mail = Omit<EventData<'mail.requested'>, 'task'>;

/** The dependencies of composing mails. */
export type ComposeDeps = {
  db: Database;
  clock: Clock;
  tickets: TicketCodec;
  invitationTokens: InvitationTokens;
  unsubscribeTokens: UnsubscribeTokens;
  publicUrl: string;
  /** Base of the links for staff. */
  accountUrl: string;
};

/** A kind of task that is a mail: the mailer sends it and reports the result. */
export type MailKind<K extends string = string> = {
  readonly kind: K;
  readonly destination: 'mails';
  /**
   * Returns the mails of a batch of tasks by `taskKey`. A task without a mail is outdated and gets deleted. Reads
   * the data of the whole batch at once.
   */
  compose(deps: ComposeDeps, tasks: readonly TaskRow[]): Promise<Map<string, Mail>>;
};

/** A kind of task that this service runs itself. */
export type WorkKind<K extends string = string> = {
  readonly kind: K;
  readonly destination: 'tasks';
  /** Must be idempotent, also concurrently. An error has the task redelivered, up to three deliveries in all. */
  handle(deps: Deps, task: DueTask): Promise<void>;
};

export type TaskKind<K extends string = string> = MailKind<K> | WorkKind<K>;

/** A task's id as a map key. */
export function taskKey({ id }: Pick<TaskRow, 'id'>): string {
  return id.toString('hex');
}
