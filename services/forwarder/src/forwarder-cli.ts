/** `npm run forwarder -- COMMAND`: drains contacts, and shows the state of both halves. */
import { parseArgs } from 'node:util';
import { createDeadLetters } from '@queue-manager/events/dead-letters';
import { systemClock } from '@queue-manager/service-kit/clock';
import { readConfig } from '@queue-manager/service-kit/config';
import { createLogger } from '@queue-manager/service-kit/logging';
import { forwarderLambdaEnv } from './config.ts';
import { createDeps, type Deps } from './deps.ts';
import { type DrainResult, type DrainState, drainKey, targetName } from './drain/drain.ts';
import { keysOf, Misconfigured, parseTarget } from './drain/target.ts';
import { readState } from './state/leased-state.ts';
import { type StreamState, streamKey } from './stream/stream-reader.ts';

const help = `Usage: npm run forwarder -- COMMAND

Forwards new accounts to an external API, first in, first out.

Commands:
  status         how many contacts wait, where they go, and how the last run ended
  drain --now    send what waits, without waiting for the schedule

Environment:
  DATA_DIR                       data folder of the system on this machine; default .data
  FORWARD_PARAMETERS_FOLDER      folder with the target and its keys; default that system's
  FORWARD_REQUESTS_PER_SECOND, FORWARD_BUDGET_SECONDS, … as for the service

Exit code: 0 on success; 1 when the contacts could not be sent.
`;

const outcomes: Record<DrainResult['outcome'], string> = {
  empty: 'all contacts are sent',
  'out-of-time': 'the time was over before all contacts were sent',
  stopped: 'stopped',
  waiting: 'waiting',
  busy: 'another run is under way',
  'no-target': 'no target is configured: contacts are kept',
};

function described({ outcome, forwarded, deadLetters, skipped, reason }: DrainResult): string {
  const counts = `${forwarded} sent, ${deadLetters} dead letters, ${skipped} skipped`;
  return `${outcomes[outcome]}${reason === undefined ? '' : `: ${reason}`} (${counts})`;
}

/** Where contacts go, and what is missing for it. */
async function targetLine({ parameters, allowPrivate }: Deps): Promise<string> {
  const json = await parameters.get(targetName);
  if (json === undefined) return 'none: contacts are kept until there is one';
  try {
    const target = parseTarget(json, { allowPrivate });
    const missing: string[] = [];
    for (const name of keysOf(target)) {
      if ((await parameters.get(name)) === undefined) missing.push(name);
    }
    const without = missing.length === 0 ? '' : `, missing keys: ${missing.join(', ')}`;
    return `${target.method} ${new URL(target.url).origin}${without}`;
  } catch (error) {
    if (error instanceof Misconfigured) return error.message;
    throw error;
  }
}

async function status(deps: Deps): Promise<string> {
  const { state, isLeased } = await readState<DrainState>(deps.store, drainKey);
  const stream = await readState<StreamState>(deps.store, streamKey);
  const { lastRun, notBefore = 0 } = state;
  const deadLetters = await createDeadLetters({ sqs: deps.sqs, prefix: deps.sqsPrefix }).count(
    'contacts.fifo',
  );
  const time = (ms: number) => new Date(ms).toISOString();
  const isWaiting = notBefore > deps.clock.now().getTime();
  const rows: [string, string][] = [
    ['Waiting', String(await deps.countContacts())],
    ['Dead letters', String(deadLetters)],
    ['Target', await targetLine(deps)],
    [
      'Last run',
      lastRun === undefined ? 'none' : `${time(lastRun.at)}: ${described(lastRun.result)}`,
    ],
    ...(isWaiting
      ? [['Not before', `${time(notBefore)}, as the API asked`] satisfies [string, string]]
      : []),
    ['Now', isLeased ? 'sending' : 'idle'],
    ['Stream', stream.isLeased ? 'read' : 'not read: no forwarder is running'],
  ];
  return rows.map(([title, value]) => `${title.padEnd(14)}${value}\n`).join('');
}

function readArguments() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      now: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [command, ...rest] = positionals;
  if (values.help || command === undefined) return 'help';
  if (command === 'status' && rest.length === 0 && !values.now) return 'status';
  if (command === 'drain' && rest.length === 0 && values.now) return 'drain';
  throw new Error('expected status, or drain --now: see --help');
}

async function run(): Promise<number> {
  const command = readArguments();
  if (command === 'help') {
    process.stdout.write(help);
    return 0;
  }
  const config = readConfig(forwarderLambdaEnv);
  const logger = createLogger({ name: 'forwarder', level: 'silent' });
  const deps = createDeps(config, { clock: systemClock, logger });
  try {
    if (command === 'status') {
      process.stdout.write(await status(deps));
      return 0;
    }
    const stopping = new AbortController();
    process.once('SIGINT', () => stopping.abort());
    const budgetMs = config.FORWARD_BUDGET_SECONDS * 1_000;
    const result = await deps.drain({ budgetMs, signal: stopping.signal });
    process.stdout.write(`${described(result)}\n`);
    return result.outcome === 'empty' || result.outcome === 'out-of-time' ? 0 : 1;
  } finally {
    await deps.close();
  }
}

try {
  process.exitCode = await run();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
