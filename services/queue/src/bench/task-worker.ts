/** One instance of the queue service as far as tasks are concerned: dispatches, handles and records them. */
import { answerQuestions, workerOptions } from '@queue-manager/bench/measure/worker';
import { createConsumer } from '@queue-manager/events/consume';
import { createTaskReporter } from '@queue-manager/events/report-task';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { createDispatcher } from '../tasks/dispatcher.ts';
import { onTaskDue } from '../tasks/on-task-due.ts';
import { onTaskFinished } from '../tasks/on-task-finished.ts';
import { openBenchService } from './bench-service.ts';

const queuesCount = 100;
const rowsPerStatement = 1_000;

const service = await openBenchService(workerOptions());
const { db, sqs, prefix, deps, publisher, post } = service;
const { clock, logger } = deps;

/** How often this process did each task. */
const runs = new Map<string, number>();
let recorded = 0;

const dispatcher = createDispatcher({
  ...deps,
  accountUrl: deps.publicUrl,
  publisher,
  leaseSeconds: 300,
});
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

/** Inserts tasks that are due at once, about calls of parties that have been seated since. */
async function schedule({ count }: { count: number }): Promise<void> {
  const venue = await post('/v1/venues', { name: 'Bench', timezone: 'UTC' });
  const parties: { queue_id: Buffer; party_id: Buffer }[] = [];
  for (let index = 0; index < queuesCount; index++) {
    const queue = await post(`/v1/venues/${venue}/queues`, { name: `Line ${index}` });
    const party = await post(`/v1/queues/${queue}/parties`, { name: 'Ana Lima' });
    await post(`/v1/parties/${party}/seat`);
    parties.push({ queue_id: uuidToBytes(queue), party_id: uuidToBytes(party) });
  }
  const now = clock.now();
  for (let from = 0; from < count; from += rowsPerStatement) {
    const size = Math.min(rowsPerStatement, count - from);
    const rows = Array.from({ length: size }, (_, index) => ({
      ...(parties[(from + index) % parties.length] as (typeof parties)[number]),
      venue_id: uuidToBytes(venue),
      id: uuidToBytes(newId(clock)),
      kind: 'call.expire',
      payload: JSON.stringify({ calls: 1 }),
      state: 'scheduled' as const,
      last_error: null,
      run_at: now,
      lease_until: null,
      updated_at: now,
    }));
    await db.insertInto('tasks').values(rows).execute();
  }
}

async function doneAtFirstAttempt(): Promise<number> {
  const { rows } = await db
    .selectFrom('tasks')
    .select(({ fn }) => fn.countAll<number>().as('rows'))
    .where('state', '=', 'done')
    .where('attempts', '=', 1)
    .executeTakeFirstOrThrow();
  return Number(rows);
}

answerQuestions(
  {
    schedule,
    async begin() {
      dispatcher.start();
      await Promise.all(consumers.map((consumer) => consumer.start()));
    },
    count: () => recorded,
    runs: () => runs,
    doneAtFirstAttempt,
  },
  async () => {
    await Promise.all([dispatcher.stop(), ...consumers.map((consumer) => consumer.stop())]);
    await service.close();
  },
);
