/** `npm run replay -- [FILE]`: a real day, or a made-up night, through the front door of a running system. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createProgress } from './progress.ts';
import { fridayNight } from './replay-friday-night.ts';
import { hasFailed, type ReplayResult, replay, timedCalls } from './replay-run.ts';
import { isDay, readTrace, type TraceDay } from './replay-trace.ts';
import { settingsFrom } from './settings.ts';
import { StackError } from './stack-error.ts';
import { runUntilStopped } from './terminal.ts';

const help = `Usage: npm run replay -- [FILE] [options]

Plays one day of a trace against a running system, through its public API only: it signs up an
account, makes a venue and a queue, lets every arrival join, and calls them or lets them leave as
the trace says. Then it checks that nobody was lost, called twice or overtaken, and that every
guest was told the right position. Without a FILE it plays a made-up Friday night.

FILE is CSV, gzipped or not, with a header and these columns; others are not looked at:
  day        2026-05-29
  arrival_s  when the party joined, in seconds after midnight
  wait_s     seconds until it was called, or until it left; 0: at once
  outcome    served (the host calls that party) or abandoned (the guest leaves)

Options:
  --day YYYY-MM-DD  the day to play; default the one with most arrivals
  --speed N         N times real time; default as fast as possible, in the trace's order
  --json            print the result as one JSON object and nothing else on standard output
                    (npm prints lines of its own there unless told otherwise: npm run -s replay)
  --help            print this

Environment:
  GATEWAY_PORT      port of the system on this machine; default 8080
  MAIL_PORT         port of the mail inbox's web page and API; default 8025

Exit code: 0 when all is well; 1 when anything was lost, called twice, out of order or refused, when
a position was wrong, when the file or an option is bad, or when no system is running.
`;

interface Arguments {
  file: string | undefined;
  day: string | undefined;
  speed: number | undefined;
  json: boolean;
  help: boolean;
}

function readArguments(): Arguments {
  const { values, positionals } = parsed();
  if (positionals.length > 1) throw new StackError('one FILE at a time: see --help');
  const speed = values.speed === undefined ? undefined : Number(values.speed);
  if (speed !== undefined && !(speed > 0 && Number.isFinite(speed))) {
    throw new StackError('--speed must be a number above 0');
  }
  if (values.day !== undefined && !isDay(values.day)) {
    throw new StackError('--day must be a date such as 2026-05-29');
  }
  const [file] = positionals;
  if (values.day !== undefined && file === undefined) {
    throw new StackError('--day chooses from a FILE: name one');
  }
  return { file, day: values.day, speed, json: values.json, help: values.help };
}

function parsed() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        day: { type: 'string' },
        speed: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new StackError(`${(error as Error).message.split('\n')[0]} See --help.`);
  }
}

function summary(result: ReplayResult, trace: TraceDay, seconds: number): string {
  const { retried, latencyMs } = result;
  const rows: [string, number][] = [
    ['joined', result.joined],
    ['called', result.called],
    ['left', result.left],
    ['still waiting', result.stillWaiting],
    ['lists out of order', result.orderViolations],
    ['positions that disagreed', result.positionMismatches],
    ['lost', result.lost],
    ['called twice', result.calledTwice],
    ['joined twice', result.doubled],
    ['refused', result.refused],
  ];
  const retries: [string, number][] = [
    ['throttled (429)', retried.throttled],
    ['unavailable (503)', retried.unavailable],
    ['unanswered', retried.unanswered],
    ['position not known yet', retried.unknownPosition],
  ];
  const again = retries.filter(([, count]) => count > 0);
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
    ...(again.length === 0
      ? []
      : ['', `  asked again: ${again.map(([name, count]) => `${count} ${name}`).join(', ')}`]),
    '',
    hasFailed(result)
      ? 'FAILED: see the counts above.'
      : 'Nobody was lost, called twice or overtaken, and every position was right.',
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
  const { gatewayPort, mailPort } = settingsFrom(process.env);
  // npm runs scripts in the repository's folder; a path is meant from where the person stands.
  const trace =
    args.file === undefined
      ? fridayNight()
      : await readTrace(resolve(process.env.INIT_CWD ?? '', args.file), args.day);

  const progress = createProgress();
  const startedAt = performance.now();
  try {
    const { onProgress, note } = progress;
    const result = await replay({
      gatewayUrl: `http://127.0.0.1:${gatewayPort}`,
      mailUrl: `http://127.0.0.1:${mailPort}`,
      trace,
      speed: args.speed,
      signal,
      onProgress,
      note,
    });
    progress.end();
    const seconds = (performance.now() - startedAt) / 1_000;
    process.stdout.write(
      args.json ? `${JSON.stringify(result)}\n` : summary(result, trace, seconds),
    );
    return hasFailed(result) ? 1 : 0;
  } finally {
    progress.end();
  }
});
