import type { Deps } from '../deps.ts';
import { listTasks } from './list-tasks.ts';
import { retryTask } from './retry-task.ts';

/** Tasks, for managers. */
export const tasksRoutes = (deps: Deps) => [listTasks(deps), retryTask(deps)];
