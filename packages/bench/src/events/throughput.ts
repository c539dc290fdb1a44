import { setTimeout as delay } from 'node:timers/promises';
import { sum } from '../measure/report.ts';
import { startWorker, stopAll, type Worker } from '../measure/worker.ts';

const pollMs = 100;
const standstillMsMax = 120_000;
const taskWorker = 'services/queue/src/bench/task-worker.ts';

/** Messages per second that workers send, receive and delete, all at once, in batches of ten. */
export async function measureRawThroughput(options: {
  queueUrl: string;
  count: number;
  bytes: number;
  workers: number;
  /** Concurrent requests of each worker. */
  senders: number;
  receivers: number;
  onProgress?: (done: number) => void;
}): Promise<number> {
  const { queueUrl, bytes, senders, receivers } = options;
  const count = Math.ceil(options.count / options.workers);
  const workers = await startWorkers(
    options.workers,
    'packages/bench/src/events/raw-load-worker.ts',
    { queueUrl, bytes, count, senders, receivers },
  );
  try {
    return await timed(workers, count * options.workers, options.onProgress);
  } finally {
    await stopAll(workers);
  }
}

export type TaskRun = {
  perSecond: number;
  /** Tasks that were done exactly once and are recorded so. */
  exactlyOnce: number;
};

/**
 * Tasks per second from the moment all are due until all are recorded as done, by `workers` instances. The tasks
 * check calls that were answered long ago, which is the least work a task can have: one read of the party.
 */
export async function measureTasks(options: {
  url: string;
  prefix: string;
  count: number;
  workers: number;
  onProgress?: (done: number) => void;
}): Promise<TaskRun> {
  const { url, prefix, count } = options;
  const scheduler = await startWorker(taskWorker, { url, prefix });
  try {
    await scheduler.ask('schedule', { count });
    const workers = await startWorkers(options.workers, taskWorker, { url, prefix });
    try {
      const perSecond = await timed(workers, count, options.onProgress);
      const runs = new Map<string, number>();
      for (const worker of workers) {
        for (const [task, times] of (await worker.ask('runs')) as Map<string, number>) {
          runs.set(task, (runs.get(task) ?? 0) + times);
        }
      }
      const once = [...runs.values()].filter((times) => times === 1).length;
      const recorded = (await scheduler.ask('doneAtFirstAttempt')) as number;
      return { perSecond, exactlyOnce: Math.min(once, recorded) };
    } finally {
      await stopAll(workers);
    }
  } finally {
    await scheduler.stop();
  }
}

function startWorkers(count: number, program: string, options: object): Promise<Worker[]> {
  return Promise.all(Array.from({ length: count }, () => startWorker(program, options)));
}

/** Items per second of all workers together until `count` are done. */
async function timed(
  workers: readonly Worker[],
  count: number,
  onProgress: (done: number) => void = () => {},
): Promise<number> {
  const startedAt = performance.now();
  await Promise.all(workers.map((worker) => worker.ask('begin')));
  let done = 0;
  let movedAt = startedAt;
  while (done < count) {
    await delay(pollMs);
    const total = sum(
      (await Promise.all(workers.map((worker) => worker.ask('count')))) as number[],
    );
    const now = performance.now();
    if (total > done) movedAt = now;
    else if (now - movedAt > standstillMsMax) {
      throw new Error(`no progress after ${done} of ${count}`);
    }
    done = total;
    onProgress(done);
  }
  return count / ((performance.now() - startedAt) / 1_000);
}
