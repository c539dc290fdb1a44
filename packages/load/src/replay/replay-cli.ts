/**
 * `npm run replay -- [FILE]`: plays a recorded day, or a synthetic night, through the API of a running system; with
 * `--slow`, a living night in its demo venue, and with `--offline`, a night at two stands whose network fails.
 */
import { resolve } from 'node:path';
import { pageUrl } from '@queue-manager/contracts/pages';
import { createProgress } from '@queue-manager/local-stack/progress';
import { repositoryRoot } from '@queue-manager/local-stack/repository';
import { type Settings, settingsFrom } from '@queue-manager/local-stack/settings';
import { StackError } from '@queue-manager/local-stack/stack-error';
import { ensurePrograms } from '@queue-manager/local-stack/stores/system-packages';
import { demoQueue, readDemo } from '@queue-manager/local-stack/system/demo';
import { parseOptions, runUntilStopped, say } from '@queue-manager/local-stack/terminal';
import { createCaller } from '../callers/retrying-caller.ts';
import { signIn } from '../callers/staff-account.ts';
import { fridayNight } from '../trace/friday-night.ts';
import { isDay, readTrace, type TraceDay } from '../trace/trace.ts';
import { playNight } from './play-night.ts';
import { awaitReady, hasFailed, type ReplayResult, replay, timedCalls } from './run-replay.ts';

/** Half an hour of the night is half a minute. */
const offlineSpeed = 60;

const help = `Usage: npm run replay -- [FILE] [options]
       npm run replay -- --slow [--speed N]
       npm run replay -- --offline [FILE] [options]

Plays one day of a trace against a running system through its public API. It signs up an account,
creates a venue and a queue, joins every arrival, and calls parties or lets them leave as the trace
says. Then it checks that no party was lost, called twice or overtaken, and that every guest got the
right position. Without a FILE it plays a synthetic Friday night.

FILE is CSV, gzipped or not, with a header and these columns; other columns are ignored:
  day        2026-05-29
  arrival_s  when the party joined, in seconds after midnight
  wait_s     seconds until it was called or left; 0 means at once
  outcome    served (the host calls the party) or abandoned (the guest leaves)

With --slow it plays an endless night in the demo venue of npm start, at the pace of a real one, until
you stop it: open the join page and the board, and see places move. Join, and you are called in turn;
confirm, and you are seated.

With --offline it plays the day in Chromium, at two stands and the door of a new venue, by their buttons.
In the middle of the night the stands lose their network for half an hour of the night's time: hosts go
on, one stand is reloaded, guests join and leave by their phones, and the owner calls guests from home.
Then it checks that every press happened once, was taken back, or is shown as refused with both versions,
that events explain how every visit ended, and that server, screens and a model of the line agree.

Options:
  --offline         play a night whose network fails
  --slow            play a living night in the demo venue
  --day YYYY-MM-DD  the day to play; default the one with the most arrivals
  --speed N         N times real time; default as fast as possible, in the trace's order; with --slow 1,
                    with --offline 60
  --json            print the result as one JSON object and nothing else on standard output
                    (npm prints lines of its own there unless told otherwise: npm run -s replay)
  --help            print this

Environment:
  GATEWAY_PORT      port of the system on this machine; default 8080
  MAIL_PORT         port of the mail inbox's web page and API; default 8025
  DATA_DIR          with --slow, the folder with the demo owner; default .data

Exit code: 0 on success; 1 when a party was lost, called twice, out of order or refused, when a
position was wrong, when presses were lost or doubled, when the file or an option is invalid, or when no system is running.
`;

function readArguments() {
  const { values, positionals } = parseOptions({
    allowPositionals: true,
    options: {
      offline: { type: 'boolean', default: false },
      slow: { type: 'boolean', default: false },
      day: { type: 'string' },
      speed: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [file] = positionals;
  if (positionals.length > 1) throw new StackError('give one FILE at a time: see --help');
  const speed = values.speed === undefined ? undefined : Number(values.speed);
  if (speed !== undefined && !(speed > 0 && Number.isFinite(speed))) {
    throw new StackError('--speed must be a number above 0');
  }
  if (values.day !== undefined && !isDay(values.day)) {
    throw new StackError('--day must be a date such as 2026-05-29');
  }
  if (values.day !== undefined && file === undefined) {
    throw new StackError('--day needs a FILE');
  }
  if (values.slow && (file !== undefined || values.json)) {
    throw new StackError('--slow takes no FILE and prints no result: see --help');
  }
  if (values.slow && values.offline) {
    throw new StackError('--slow and --offline exclude each other: see --help');
  }
  return { ...values, file, speed };
}

/** Plays a night in the demo venue of the system on this data folder. */
async function playDemo(settings: Settings, speed: number, signal: AbortSignal): Promise<number> {
  const { dataDir, gatewayPort } = settings;
  const gatewayUrl = `http://127.0.0.1:${gatewayPort}`;
  await awaitReady(gatewayUrl, signal);
  const demo = readDemo(dataDir);
  const queue = demo && (await demoQueue(gatewayUrl, demo));
  if (demo === undefined || queue === undefined) {
    throw new StackError(`no demo venue on the data folder ${dataDir}: see npm start, or DATA_DIR`);
  }
  const guest = createCaller({ gatewayUrl, signal, note: (text) => text !== null && say(text) });
  const { email, password } = demo;
  const staff = await signIn(guest, { email, password });
  const boardUrl = pageUrl(new URL(queue.joinUrl).origin, 'board', queue.id);
  say(`Join page  ${queue.joinUrl}\nBoard      ${boardUrl}\nCtrl-C ends the night.\n`);
  try {
    await playNight({ guest, staff, queue, speed, signal, say });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return 0;
}

/** What only a night in a browser needs. */
async function openOffline(options: { gatewayUrl: string; signal: AbortSignal }) {
  await ensurePrograms(process.env, repositoryRoot, say, ['chromium']);
  await awaitReady(options.gatewayUrl, options.signal);
  return {
    ...(await import('../offline/play-offline-night.ts')),
    ...(await import('../offline/offline-summary.ts')),
  };
}

function summary(result: ReplayResult, trace: TraceDay, seconds: number): string {
  const { retried, latencyMs } = result;
  const rows: [string, number][] = [
    ['joined', result.joined],
    ['called', result.called],
    ['left', result.left],
    ['still waiting', result.stillWaiting],
    ['lists out of order', result.orderViolations],
    ['wrong positions', result.positionMismatches],
    ['lost', result.lost],
    ['called twice', result.calledTwice],
    ['joined twice', result.doubled],
    ['refused', result.refused],
  ];
  const retries: [string, number][] = [
    ['throttled (429)', retried.throttled],
    ['unavailable (503)', retried.unavailable],
    ['unanswered', retried.unanswered],
    ['position not yet known', retried.unknownPosition],
  ];
  const done = retries.filter(([, count]) => count > 0);
  return [
    `${trace.day}, ${trace.arrivals.length} arrivals, played in ${seconds.toFixed(1)} s`,
    '',
    ...rows.map(([name, count]) => `  ${name.padEnd(26)}${String(count).padStart(8)}`),
    '',
    `  ${'milliseconds'.padEnd(26)}${'p50'.padStart(8)}${'p99'.padStart(10)}`,
    ...timedCalls.map((kind) => {
      const { p50, p99 } = latencyMs[kind];
      return `  ${kind.padEnd(26)}${milliseconds(p50).padStart(8)}${milliseconds(p99).padStart(10)}`;
    }),
    ...(done.length === 0
      ? []
      : ['', `  retried: ${done.map(([name, count]) => `${count} ${name}`).join(', ')}`]),
    '',
    hasFailed(result)
      ? 'FAILED: see the counts above.'
      : 'No party was lost, called twice or overtaken, and every position was right.',
    '',
  ].join('\n');
}

function milliseconds(value: number | null): string {
  return value === null ? '-' : value.toFixed(2);
}

await runUntilStopped(async (_stopping, signal) => {
  const args = readArguments();
  if (args.help) {
    process.stdout.write(help);
    return 0;
  }
  const settings = settingsFrom(process.env);
  if (args.slow) return playDemo(settings, args.speed ?? 1, signal);
  const { gatewayPort, mailPort } = settings;
  // npm runs scripts in the repository's folder; FILE is relative to the user's.
  const trace =
    args.file === undefined
      ? fridayNight()
      : await readTrace(resolve(process.env.INIT_CWD ?? '', args.file), args.day);

  const progress = createProgress();
  const startedAt = performance.now();
  const options = {
    gatewayUrl: `http://127.0.0.1:${gatewayPort}`,
    mailUrl: `http://127.0.0.1:${mailPort}`,
    trace,
    signal,
    onProgress: progress.onProgress,
    note: progress.note,
  };
  const printed = <T>(result: T, inWords: (result: T, seconds: number) => string) => {
    progress.end();
    const seconds = (performance.now() - startedAt) / 1_000;
    process.stdout.write(args.json ? `${JSON.stringify(result)}\n` : inWords(result, seconds));
    return result;
  };
  try {
    if (args.offline) {
      const { hasFailed, offlineSummary, playOfflineNight } = await openOffline(options);
      const result = await playOfflineNight({ ...options, speed: args.speed ?? offlineSpeed });
      return hasFailed(printed(result, offlineSummary)) ? 1 : 0;
    }
    const result = await replay({ ...options, speed: args.speed });
    return hasFailed(printed(result, (it, seconds) => summary(it, trace, seconds))) ? 1 : 0;
  } finally {
    progress.end();
  }
});
