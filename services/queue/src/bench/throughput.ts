import { setTimeout as delay } from 'node:timers/promises';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { openBenchService } from './bench-service.ts';
import { startWorker, type Worker } from './worker.ts';

const pollMs = 100;
const standstillMsMax = 120_000;
const queuesCount = 100;
const rowsPerStatement = 1_000;

/** Messages a second that workers send, receive and delete, all at once, in batches of ten. */
export async function measureRawThroughput(options: {
  queueUrl: string;
  count: number;
  bytes: number;
  workers: number;
  /** Requests of each worker under way at once. */
  senders: number;
  receivers: number;
  onProgress?: (done: number) => void;
}): Promise<number> {
  const { queueUrl, count, bytes, senders, receivers } = options;
  const each = Math.ceil(count / options.workers);
  const workers = await startWorkers(options.workers, 'raw-load-worker.ts', {
    queueUrl,
    bytes,
    count: each,
    senders,
    receivers,
  });
  try {
    return await timed(workers, each * options.workers, options.onProgress);
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
 * Tasks a second from the moment all are due until all are recorded as done, with as many instances as
 * `workers`. Each looks after a call that was answered long ago, so that the work itself is the smallest
 * there is: a look at the party.
 */
export async function measureTasks(options: {
  url: string;
  prefix: string;
  count: number;
  workers: number;
  onProgress?: (done: number) => void;
}): Promise<TaskRun> {
  const { url, prefix, count } = options;
  const service = await openBenchService({ url, prefix });
  try {
    await scheduleTasks(service, count);
    const workers = await startWorkers(options.workers, 'task-worker.ts', { url, prefix });
    try {
      const perSecond = await timed(workers, count, options.onProgress);
      const runs = new Map<string, number>();
      for (const worker of workers) {
        for (const [task, times] of (await worker.ask('runs')) as Map<string, number>) {
          runs.set(task, (runs.get(task) ?? 0) + times);
        }
      }
      const { rows } = await service.db
        .selectFrom('tasks')
        .select(({ fn }) => fn.countAll<number>().as('rows'))
        .where('state', '=', 'done')
        .where('attempts', '=', 1)
        .executeTakeFirstOrThrow();
      const once = [...runs.values()].filter((times) => times === 1).length;
      return { perSecond, exactlyOnce: Math.min(once, Number(rows)) };
    } finally {
      await stopAll(workers);
    }
  } finally {
    await service.close();
  }
}

type BenchService = Awaited<ReturnType<typeof openBenchService>>;

async function scheduleTasks(service: BenchService, count: number): Promise<void> {
  const { db, deps, post } = service;
  const venue = await post('/v1/venues', { name: 'Bench', timezone: 'UTC' });
  const parties: { queue_id: Buffer; party_id: Buffer }[] = [];
  for (let index = 0; index < queuesCount; index++) {
    const queue = await post(`/v1/venues/${venue}/queues`, { name: `Line ${index}` });
    const party = await post(`/v1/queues/${queue}/parties`, { name: 'Ana Lima' });
    await post(`/v1/parties/${party}/seat`);
    parties.push({ queue_id: uuidToBytes(queue), party_id: uuidToBytes(party) });
  }
  const now = deps.clock.now();
  for (let from = 0; from < count; from += rowsPerStatement) {
    const size = Math.min(rowsPerStatement, count - from);
    const rows = Array.from({ length: size }, (_, index) => ({
      ...(parties[(from + index) % parties.length] as (typeof parties)[number]),
      venue_id: uuidToBytes(venue),
      id: uuidToBytes(newId(deps.clock)),
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

function startWorkers(count: number, program: string, options: object): Promise<Worker[]> {
  return Promise.all(Array.from({ length: count }, () => startWorker(program, options)));
}

async function stopAll(workers: readonly Worker[]): Promise<void> {
  await Promise.all(workers.map((worker) => worker.stop()));
}

/** How many a second the workers do together until `count` are done. */
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
    const counts = (await Promise.all(workers.map((worker) => worker.ask('count')))) as number[];
    const sum = counts.reduce((all, one) => all + one, 0);
    const now = performance.now();
    if (sum > done) movedAt = now;
    else if (now - movedAt > standstillMsMax) {
      throw new Error(`nothing moves any more after ${done} of ${count}`);
    }
    done = sum;
    onProgress(done);
  }
  return count / ((performance.now() - startedAt) / 1_000);
}
