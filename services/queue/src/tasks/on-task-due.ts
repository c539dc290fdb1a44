import type { Event, EventOf } from '@queue-manager/contracts/events';
import type { TaskReporter } from '@queue-manager/events/report-task';
import type { Deps } from '../deps.ts';
import { taskKinds } from './registry.ts';

/**
 * Runs a task and reports it before the message is deleted, so a crash at any point repeats both. A kind that only a
 * newer version knows is retried like any failure.
 */
export const onTaskDue = (deps: Deps, reporter: TaskReporter) =>
  async function onTaskDue({ data }: EventOf<'task.due'>): Promise<void> {
    const kind = taskKinds.get(data.kind);
    if (kind?.destination !== 'tasks') throw new Error(`Unknown kind of task: ${data.kind}`);
    await kind.handle(deps, data);
    await reporter.done(data.task);
  };

/** Reports a task as failed before its message becomes a dead letter. */
export const onTaskDeadLetter = (reporter: TaskReporter) =>
  async function onTaskDeadLetter(event: Event, error: unknown): Promise<void> {
    if (event.type === 'task.due') await reporter.failed(event.data.task, error);
  };
