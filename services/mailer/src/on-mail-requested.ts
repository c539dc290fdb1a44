import type { Event, EventOf } from '@queue-manager/contracts/events';
import { deliverMail } from './deliver-mail.ts';
import type { Deps } from './deps.ts';

/** Sends the mail that was asked for, and tells the task that asked, if any, that it is done. */
export const onMailRequested = (deps: Deps) => {
  const deliver = deliverMail(deps);

  return async ({ id, data }: EventOf<'mail.requested'>): Promise<void> => {
    const { task, ...mail } = data;
    await deliver({ eventId: id, ...mail });
    if (task !== undefined) await deps.taskReporter.done(task);
  };
};

/**
 * Tells the task of a mail that is given up that it failed, and why. An account's mail has no task: its
 * failure shows in the dead letters only.
 */
export const onMailGivenUp =
  ({ sentMails, taskReporter }: Deps) =>
  async (event: Event, error: unknown): Promise<void> => {
    if (event.type !== 'mail.requested' || event.data.task === undefined) return;
    // What failed may have been the report of its success.
    if (await sentMails.isSent(event.id)) await taskReporter.done(event.data.task);
    else await taskReporter.failed(event.data.task, error);
  };
