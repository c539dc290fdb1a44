import {
  type Event,
  type EventData,
  type EventOf,
  makeEvent,
  type TaskRef,
} from '@queue-manager/contracts/events';
import type { Delivery } from '@queue-manager/events/consume';
import { failureText } from '@queue-manager/events/failure-text';
import { newId } from '@queue-manager/service-kit/ids';
import { deliverMail } from './deliver-mail.ts';
import type { Deps } from './deps.ts';

/** Sends the mail that was asked for, and tells the task that asked, if any, that it is done. */
export const onMailRequested = (deps: Deps) => {
  const deliver = deliverMail(deps);
  const report = reportTask(deps);

  return async (event: EventOf<'mail.requested'>, delivery: Delivery): Promise<void> => {
    const { task, ...mail } = event.data;
    await deliver({ eventId: event.id, ...mail });
    if (task !== undefined) await report({ task, outcome: 'done', error: null }, delivery);
  };
};

/**
 * Tells the task of a mail that is given up that it failed, and why. An account's mail has no task: its
 * failure shows in the dead letters only.
 */
export const onMailGivenUp = (deps: Deps) => {
  const report = reportTask(deps);

  return async (event: Event, error: unknown): Promise<void> => {
    if (event.type !== 'mail.requested' || event.data.task === undefined) return;
    const { task } = event.data;
    // What failed may have been the report of its success.
    if (await deps.sentMails.isSent(event.id)) {
      await report({ task, outcome: 'done', error: null });
    } else {
      await report({ task, outcome: 'failed', error: failureText(error) });
    }
  };
};

const reportTask =
  ({ publisher, clock }: Deps) =>
  async (
    data: EventData<'task.finished'> & { task: TaskRef },
    carried?: Pick<Delivery, 'requestId' | 'traceparent'>,
  ): Promise<void> => {
    const event = makeEvent({
      id: newId(clock),
      source: '/mailer',
      type: 'task.finished',
      subject: data.task.taskId,
      time: clock.now().toISOString(),
      data,
    });
    const { failed } = await publisher.publish([event], carried);
    for (const reason of failed.values()) throw new Error(`The result was not sent: ${reason}`);
  };
