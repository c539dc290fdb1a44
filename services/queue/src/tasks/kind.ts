import type { EventData } from '@queue-manager/contracts/events';
import type { Clock } from '@queue-manager/service-kit/clock';
import type { TicketCodec } from '@queue-manager/service-kit/tickets';
import type { InvitationTokens } from '../access/invitation-tokens.ts';
import type { Database } from '../db/database.ts';
import type { TaskRow } from '../db/tables.ts';
import type { Deps } from '../deps.ts';

/** A task as the message about it tells. */
export type DueTask = EventData<'task.due'>;

export type Mail = Omit<EventData<'mail.requested'>, 'task'>;

/** What mails are composed from. */
export type ComposeDeps = {
  db: Database;
  clock: Clock;
  tickets: TicketCodec;
  invitationTokens: InvitationTokens;
  publicUrl: string;
};

/** A kind of task whose work is a mail; the mailer sends it and reports. */
export type MailKind<K extends string = string> = {
  readonly kind: K;
  readonly destination: 'mails';
  /**
   * The mails of tasks that are handed out, by `taskKey`; a task without one has nothing to tell any more,
   * and goes. Called with many at once: whatever it reads, it reads for all of them together.
   */
  compose(deps: ComposeDeps, tasks: readonly TaskRow[]): Promise<Map<string, Mail>>;
};

/** A kind of task that this service does itself. */
export type WorkKind<K extends string = string> = {
  readonly kind: K;
  readonly destination: 'tasks';
  /** Does the work. It may come twice, and twice at once; an error has it come again, three times in all. */
  handle(deps: Deps, task: DueTask): Promise<void>;
};

export type TaskKind<K extends string = string> = MailKind<K> | WorkKind<K>;

/** A task's id as a key of maps. */
export function taskKey({ id }: Pick<TaskRow, 'id'>): string {
  return id.toString('hex');
}
