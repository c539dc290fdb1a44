/** `npm run bench -- events`: how fast events and tasks travel, beside SQS by itself in the same run. */
import { availableParallelism, cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { createSqsClient, findQueue } from '@queue-manager/events/client';
import { provisionQueues } from '@queue-manager/events/provision';
import { freshDatabase, uniqueName } from '@queue-manager/service-kit/testing';
import { migrate, openDatabase } from '../db/database.ts';
import { type Latency, measureCommitToHandler, measureRawLatency } from './latency.ts';
import { measureRawThroughput, measureTasks, type TaskRun } from './throughput.ts';

const help = `Usage: npm run bench -- events [options]

Measures, on stores of its own:
  - the time from the commit of a line's change to the beginning of its event's handler in another
    process, at a steady rate, beside a plain send and receive through the same SQS;
  - how many tasks that are all due at once four instances do in a second, each exactly once,
    beside plain messages sent, received and deleted through the same client.

Options:
  --tasks N    how many tasks are due at once; default 100000, 0 to leave that out
  --rate N     changes of lines a second; default 200
  --seconds N  how long the changes go on; default 20, 0 to leave that out
  --json       print one JSON object and nothing else on standard output
               (npm prints lines of its own there unless told otherwise: npm run -s bench)
  --help       print this

Exit code: 0 when every goal was reached, 1 when not.
`;

const goals = { p50Ms: 20, p99Ms: 150, ratio: 0.25 };
const dispatchers = 4;
/** Of the messages compared: an event of a line, and the message about a task. */
const eventBytes = 900;
const taskBytes = 600;
/** What plain messages went fastest with when tried: more requests at once only wait for each other. */
const rawLoad = { workers: dispatchers, senders: 1, receivers: 2 };

type Result = {
  machine: { cores: number; model: string; loadBefore: number; loadAfter: number };
  latency: { perSecond: number; ours: Latency; raw: Latency } | null;
  tasks: ({ count: number; ratio: number; rawPerSecond: number } & TaskRun) | null;
};

function readArguments() {
  const { values } = parseArgs({
    options: {
      tasks: { type: 'string', default: '100000' },
      rate: { type: 'string', default: '200' },
      seconds: { type: 'string', default: '20' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const number = (name: 'tasks' | 'rate' | 'seconds', least: number) => {
    const value = Number(values[name]);
    if (Number.isInteger(value) && value >= least) return value;
    throw new TypeError(`--${name} must be a whole number, ${least} or more.`);
  };
  return {
    tasks: number('tasks', 0),
    rate: number('rate', 1),
    seconds: number('seconds', 0),
    json: values.json,
    help: values.help,
  };
}

type Arguments = ReturnType<typeof readArguments>;

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Says every tenth of the way. */
function tenths(what: string, total: number): (done: number) => void {
  let said = 0;
  return (done) => {
    const tenth = Math.floor((done * 10) / total);
    if (tenth > said) say(`${what}: ${Math.min(done, total)} of ${total}`);
    said = Math.max(said, tenth);
  };
}

async function measure(args: Arguments): Promise<Result> {
  const loadBefore = loadavg()[0] ?? Number.NaN;
  const sqs = createSqsClient();
  const prefix = `${uniqueName('bench')}-`;
  try {
    await provisionQueues(sqs, { prefix });
    // A queue that nothing here is sent to.
    const queueUrl = await findQueue(sqs, prefix, 'auth-events');

    const latency = await measureLatency(args, prefix, queueUrl);
    const tasks = await measureTaskRun(args, prefix, queueUrl);
    return {
      machine: {
        cores: availableParallelism(),
        model: cpus()[0]?.model ?? 'unknown',
        loadBefore,
        loadAfter: loadavg()[0] ?? Number.NaN,
      },
      latency,
      tasks,
    };
  } finally {
    sqs.destroy();
  }
}

/** Each measurement has tables of its own: calls made in one would have tasks fall due in the next. */
async function onFreshTables<T>(measurement: (url: string) => Promise<T>): Promise<T> {
  const { url, drop } = await freshDatabase();
  try {
    const db = openDatabase({ url, poolSize: 1 });
    await migrate(db);
    await db.destroy();
    return await measurement(url);
  } finally {
    await drop();
  }
}

async function measureLatency(
  { rate: perSecond, seconds }: Arguments,
  prefix: string,
  queueUrl: string,
): Promise<Result['latency']> {
  if (seconds === 0) return null;
  say(`Plain messages, ${perSecond} a second for ${seconds} s …`);
  const raw = await measureRawLatency({ queueUrl, perSecond, seconds, bytes: eventBytes });
  say(`Changes of lines, ${perSecond} a second for ${seconds} s …`);
  const ours = await onFreshTables((url) =>
    measureCommitToHandler({ url, prefix, perSecond, seconds }),
  );
  return { perSecond, ours, raw };
}

async function measureTaskRun(
  { tasks: count }: Arguments,
  prefix: string,
  queueUrl: string,
): Promise<Result['tasks']> {
  if (count === 0) return null;
  // Half of them before the tasks and half after, since a machine is not equally fast all the time.
  const half = Math.ceil(count / 2);
  const sendPlain = () => {
    say(`${half} plain messages …`);
    const onProgress = tenths('plain messages', half);
    const load = { queueUrl, count: half, bytes: taskBytes, ...rawLoad, onProgress };
    return measureRawThroughput(load);
  };
  const before = await sendPlain();
  say(`${count} tasks, due at once …`);
  const onProgress = tenths('tasks', count);
  const run = await onFreshTables((url) =>
    measureTasks({ url, prefix, count, workers: dispatchers, onProgress }),
  );
  const after = await sendPlain();
  const rawPerSecond = 2 / (1 / before + 1 / after);
  return { count, rawPerSecond, ratio: run.perSecond / rawPerSecond, ...run };
}

type Row = { what: string; measured: string; goal?: string; isReached?: boolean };

function rowsOf({ latency, tasks }: Result): Row[] {
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  const rows: Row[] = [];
  if (latency !== null) {
    const { ours, raw, perSecond } = latency;
    rows.push(
      { what: `plain send to receive, ${perSecond} a second: p50`, measured: ms(raw.p50) },
      { what: '  p99', measured: ms(raw.p99) },
      {
        what: `commit to handler, ${perSecond} a second: p50`,
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
    rows.push(
      {
        what: 'plain send, receive, delete',
        measured: `${tasks.rawPerSecond.toFixed(0)} a second`,
      },
      {
        what: `${count} tasks due at once, ${dispatchers} dispatchers`,
        measured: `${tasks.perSecond.toFixed(0)} a second`,
      },
      {
        what: '  of plain messages',
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
  return rows;
}

function asText(result: Result): string {
  const { cores, model, loadBefore, loadAfter } = result.machine;
  const rows = rowsOf(result);
  const width = (cell: (row: Row) => string) => Math.max(...rows.map((row) => cell(row).length), 0);
  const whatWidth = width(({ what }) => what);
  const measuredWidth = width(({ measured }) => measured);
  return [
    `${cores} cores, ${model}; load ${loadBefore.toFixed(1)} before, ${loadAfter.toFixed(1)} after`,
    '',
    ...rows.map(({ what, measured, goal, isReached }) =>
      [
        `  ${what.padEnd(whatWidth)}`,
        measured.padEnd(measuredWidth),
        goal === undefined ? '' : `goal ${goal}: ${isReached ? 'reached' : 'MISSED'}`,
      ]
        .join('  ')
        .trimEnd(),
    ),
    '',
  ].join('\n');
}

async function main(): Promise<number> {
  let args: Arguments;
  try {
    args = readArguments();
  } catch (error) {
    say(`${(error as Error).message.split('\n')[0]} See --help.`);
    return 1;
  }
  if (args.help) {
    process.stdout.write(help);
    return 0;
  }
  const result = await measure(args);
  process.stdout.write(args.json ? `${JSON.stringify(result)}\n` : asText(result));
  return rowsOf(result).every(({ isReached = true }) => isReached) ? 0 : 1;
}

process.exitCode = await main();
