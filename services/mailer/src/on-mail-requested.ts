import type { Event, EventOf } from '@queue-manager/contracts/events';
import { deliverMail } from './deliver-mail.ts';
import type { Deps } from './deps.ts';
import { MailSkipped } from './mail-skipped.ts';

/** Sends the requested mail and reports its task, if any, as done or skipped. */
export const onMailRequested = (deps: Deps) => {
  const { taskReporter, logger } = deps;
  const deliver = deliverMail(deps);

  return async ({ id, data }: EventOf<'mail.requested'>): Promise<void> => {
    const { task, ...mail } = data;
    try {
      await deliver({ eventId: id, ...mail });
    } catch (error) {
      if (!(error instanceof MailSkipped)) throw error;
      const { template } = mail.content;
      logger.info({ eventId: id, template, reason: error.message }, 'mail skipped');
      if (task !== undefined) await taskReporter.skipped(task, error.message);
      return;
    }
    if (task !== undefined) await taskReporter.done(task);
  };
};

/**
 * Reports the task of a mail that failed for good. Account mails have no task: their failures show only as dead
 * letters.
 */
export const onMailFailed =
  ({ sentMails, taskReporter }: Deps) =>
  async (event: Event, error: unknown): Promise<void> => {
    if (event.type !== 'mail.requested' || event.data.task === undefined) return;
    // The mail may have been sent, and only the report failed.
    if (await sentMails.isSent(event.id)) await taskReporter.done(event.data.task);
    else await taskReporter.failed(event.data.task, error);
  };
