/** `npm run bench -- events`: how fast events and tasks travel, compared with plain SQS messages in the same run. */
import { createSqsClient, findQueue } from '@queue-manager/events/client';
import { provisionQueues } from '@queue-manager/events/provision';
import { freshDatabase, uniqueName } from '@queue-manager/service-kit/testing';
import { openQueueTables } from '../measure/queue-tables.ts';
import { type Row, say } from '../measure/report.ts';
import { runBench } from '../measure/run-bench.ts';
import { type Latency, measureCommitToHandler, measureRawLatency } from './latency.ts';
import { measureRawThroughput, measureTasks, type TaskRun } from './throughput.ts';

const help = `Usage: npm run bench -- events [options]

Measures, on its own stores:
  - the time from the commit of a change to the start of its event's handler in another process, at
    a steady rate, compared with a plain send and receive through the same SQS;
  - how many tasks per second four instances do when all are due at once, each task exactly once,
    compared with plain messages sent, received and deleted through the same client.

Options:
  --tasks N    tasks due at once; default 100000, 0 to skip them
  --rate N     changes per second; default 200
  --seconds N  duration of the changes; default 20, 0 to skip them
`;

const goals = { p50Ms: 20, p99Ms: 150, ratio: 0.25 };
const dispatchers = 4;
/** Sizes of the plain messages: an event of a queue, and the message about a task. */
const eventBytes = 900;
const taskBytes = 600;
/** The fastest settings found for plain messages: more requests at once only wait for each other. */
const rawLoad = { workers: dispatchers, senders: 1, receivers: 2 };

type Options = { tasks: number; rate: number; seconds: number };

type Result = {
  latency: { perSecond: number; ours: Latency; raw: Latency } | null;
  tasks: ({ count: number; ratio: number; rawPerSecond: number } & TaskRun) | null;
};

/** Returns a function that reports every tenth of the progress. */
function progressOf(what: string, total: number): (done: number) => void {
  let reported = 0;
  return (done) => {
    const tenth = Math.floor((done * 10) / total);
    if (tenth > reported) say(`${what}: ${Math.min(done, total)} of ${total}`);
    reported = Math.max(reported, tenth);
  };
}

async function measure(options: Options): Promise<Result> {
  const sqs = createSqsClient();
  const prefix = `${uniqueName('bench')}-`;
  try {
    await provisionQueues(sqs, { prefix });
    // A queue that receives nothing else here.
    const queueUrl = await findQueue(sqs, prefix, 'auth-events');
    const latency = await measureLatency(options, prefix, queueUrl);
    return { latency, tasks: await measureTaskRun(options, prefix, queueUrl) };
  } finally {
    sqs.destroy();
  }
}

/** Each measurement has its own tables, so that no tasks of the previous one become due in it. */
async function onFreshTables<T>(measurement: (url: string) => Promise<T>): Promise<T> {
  const { url, drop } = await freshDatabase();
  try {
    const tables = await openQueueTables(url);
    await tables.migrate();
    await tables.close();
    return await measurement(url);
  } finally {
    await drop();
  }
}

async function measureLatency(
  { rate: perSecond, seconds }: Options,
  prefix: string,
  queueUrl: string,
): Promise<Result['latency']> {
  if (seconds === 0) return null;
  say(`Plain messages, ${perSecond} per second for ${seconds} s …`);
  const raw = await measureRawLatency({ queueUrl, perSecond, seconds, bytes: eventBytes });
  say(`Changes, ${perSecond} per second for ${seconds} s …`);
  const ours = await onFreshTables((url) =>
    measureCommitToHandler({ url, prefix, perSecond, seconds }),
  );
  return { perSecond, ours, raw };
}

async function measureTaskRun(
  { tasks: count }: Options,
  prefix: string,
  queueUrl: string,
): Promise<Result['tasks']> {
  if (count === 0) return null;
  // Half before the tasks and half after, since the machine's speed varies.
  const half = Math.ceil(count / 2);
  const sendPlain = () => {
    say(`${half} plain messages …`);
    const onProgress = progressOf('plain messages', half);
    const load = { queueUrl, count: half, bytes: taskBytes, ...rawLoad, onProgress };
    return measureRawThroughput(load);
  };
  const before = await sendPlain();
  say(`${count} tasks, due at once …`);
  const onProgress = progressOf('tasks', count);
  const run = await onFreshTables((url) =>
    measureTasks({ url, prefix, count, workers: dispatchers, onProgress }),
  );
  const after = await sendPlain();
  const rawPerSecond = 2 / (1 / before + 1 / after);
  return { count, rawPerSecond, ratio: run.perSecond / rawPerSecond, ...run };
}

function rows({ latency, tasks }: Result): Row[] {
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  const all: Row[] = [];
  if (latency !== null) {
    const { ours, raw, perSecond } = latency;
    all.push(
      { what: `plain send to receive, ${perSecond} per second: p50`, measured: ms(raw.p50) },
      { what: '  p99', measured: ms(raw.p99) },
      {
        what: `commit to handler, ${perSecond} per second: p50`,
        measured: `${ms(ours.p50)} (${(ours.p50 / raw.p50).toFixed(2)} of plain)`,
        goal: `≤ ${goals.p50Ms} ms`,
        isReached: ours.p50 <= goals.p50Ms,
      },
      {
        what: '  p99',
        measured: `${ms(ours.p99)} (${(ours.p99 / raw.p99).toFixed(2)} of plain)`,
        goal: `≤ ${goals.p99Ms} ms`,
        isReached: ours.p99 <= goals.p99Ms,
      },
    );
  }
  if (tasks !== null) {
    const { count, exactlyOnce, ratio } = tasks;
    all.push(
      {
        what: 'plain send, receive, delete',
        measured: `${tasks.rawPerSecond.toFixed(0)} per second`,
      },
      {
        what: `${count} tasks due at once, ${dispatchers} dispatchers`,
        measured: `${tasks.perSecond.toFixed(0)} per second`,
      },
      {
        what: '  ratio to plain messages',
        measured: ratio.toFixed(3),
        goal: `≥ ${goals.ratio}`,
        isReached: ratio >= goals.ratio,
      },
      {
        what: '  done exactly once',
        measured: String(exactlyOnce),
        goal: String(count),
        isReached: exactlyOnce === count,
      },
    );
  }
  return all;
}

await runBench<Options, Result>({
  help,
  defaults: { tasks: '100000', rate: '200', seconds: '20' },
  read: ({ number }) => ({
    tasks: number('tasks', 0),
    rate: number('rate', 1),
    seconds: number('seconds', 0),
  }),
  measure,
  rows,
});
