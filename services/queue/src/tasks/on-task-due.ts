import type { Event, EventOf } from '@queue-manager/contracts/events';
import type { TaskReporter } from '@queue-manager/events/report-task';
import type { Deps } from '../deps.ts';
import { taskKinds } from './registry.ts';

/**
 * Does the work of a task and reports it, before the message is deleted: a crash at any point repeats both.
 * A kind that this version does not know (a newer one scheduled it) is tried again like any failure.
 */
export const onTaskDue =
  (deps: Deps, reporter: TaskReporter) =>
  async ({ data }: EventOf<'task.due'>): Promise<void> => {
    const kind = taskKinds.get(data.kind);
    if (kind?.destination !== 'tasks') throw new Error(`There is no work of the kind ${data.kind}`);
    await kind.handle(deps, data);
    await reporter.done(data.task);
  };

/** Reports a task that was given up, before its message becomes a dead letter. */
export const onTaskGivenUp =
  (reporter: TaskReporter) =>
  async (event: Event, error: unknown): Promise<void> => {
    if (event.type === 'task.due') await reporter.failed(event.data.task, error);
  };
