import {
  type EventData,
  type EventOf,
  makeEvent,
  type TaskRef,
} from '@queue-manager/contracts/events';
import type { Clock } from '@queue-manager/service-kit/clock';
import { newId } from '@queue-manager/service-kit/ids';
import { batched } from '@queue-manager/service-kit/limits/batched';
import { currentContext, type TraceContext } from '@queue-manager/service-kit/trace-context';
import { failureText } from './failure-text.ts';
import type { Publisher } from './publish.ts';

/** Ten SQS batches. */
const batchMax = 100;

type Report = { event: EventOf<'task.finished'>; context: TraceContext };

export type TaskReporter = {
  /** Reports success. Throws when SQS did not accept the report. */
  done(task: TaskRef): Promise<void>;
  /** Reports that a rule forbade the work, which is nobody's failure. Throws like `done`. */
  skipped(task: TaskRef, reason: string): Promise<void>;
  /** Reports that a task failed for good, with the text of the error. Throws like `done`. */
  failed(task: TaskRef, error: unknown): Promise<void>;
};

/**
 * Reports the outcome of tasks to the service that owns them. A handler reports before its message is deleted, so
 * that a crash in between repeats the report and never loses it. Reports are sent in batches. `source` is the
 * reporting service, such as `/mailer`.
 */
export function createTaskReporter(options: {
  publisher: Publisher;
  clock: Clock;
  source: string;
}): TaskReporter {
  const { publisher, clock, source } = options;

  const send = batched(
    async (reports: readonly Report[]) => {
      const { failed } = await publisher.publish(
        reports.map(({ event }) => event),
        new Map(reports.map(({ event, context }) => [event.id, context])),
      );
      return reports.map(({ event }) => failed.get(event.id));
    },
    { max: batchMax },
  );

  const report = async (
    task: TaskRef,
    outcome: EventData<'task.finished'>['outcome'],
    error: string | null,
  ) => {
    const refused = await send({
      event: makeEvent({
        id: newId(clock),
        source,
        type: 'task.finished',
        subject: task.taskId,
        time: clock.now().toISOString(),
        data: { task, outcome, error },
      }),
      context: currentContext() ?? {},
    });
    if (refused !== undefined) throw new Error(`SQS did not accept a task's result: ${refused}`);
  };

  return {
    done: (task) => report(task, 'done', null),
    skipped: (task, reason) => report(task, 'skipped', reason),
    failed: (task, error) => report(task, 'failed', failureText(error)),
  };
}
