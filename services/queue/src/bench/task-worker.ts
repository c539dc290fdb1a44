/** One instance of the queue service, as far as tasks go: it hands them out, does them and records them. */
import { createConsumer } from '@queue-manager/events/consume';
import { createTaskReporter } from '@queue-manager/events/report-task';
import { createDispatcher } from '../tasks/dispatcher.ts';
import { onTaskDue } from '../tasks/on-task-due.ts';
import { onTaskFinished } from '../tasks/on-task-finished.ts';
import { openBenchService } from './bench-service.ts';
import { answerQuestions, workerOptions } from './worker.ts';

const service = await openBenchService(workerOptions());
const { sqs, prefix, deps, publisher } = service;
const { clock, logger } = deps;

/** How often each task was done here. */
const runs = new Map<string, number>();
let recorded = 0;

const dispatcher = createDispatcher({ ...deps, publisher, leaseSeconds: 300 });
const reporter = createTaskReporter({ publisher, clock, source: '/queue' });
const doTask = onTaskDue(deps, reporter);
const recordResult = onTaskFinished(deps);
const consuming = { sqs, prefix, logger, clock, concurrency: 20 };
const consumers = [
  createConsumer({
    ...consuming,
    queue: 'tasks',
    handlers: {
      async 'task.due'(event) {
        const { taskId } = event.data.task;
        runs.set(taskId, (runs.get(taskId) ?? 0) + 1);
        await doTask(event);
      },
    },
  }),
  createConsumer({
    ...consuming,
    queue: 'task-results',
    handlers: {
      async 'task.finished'(event) {
        await recordResult(event);
        recorded += 1;
      },
    },
  }),
];

answerQuestions(
  {
    async begin() {
      dispatcher.start();
      await Promise.all(consumers.map((consumer) => consumer.start()));
    },
    count: () => recorded,
    runs: () => runs,
  },
  async () => {
    await Promise.all([dispatcher.stop(), ...consumers.map((consumer) => consumer.stop())]);
    await service.close();
  },
);
