/** `npm run history -- QUEUE_ID`: a queue as it stood at any past moment, rebuilt from its events alone. */
import type { PartySnapshot } from '@queue-manager/contracts/events';
import type { PartyState } from '@queue-manager/contracts/parties';
import { StackError } from '@queue-manager/local-stack/stack-error';
import { parseOptions, tableLines } from '@queue-manager/local-stack/terminal';
import { ConfigError, readConfig } from '@queue-manager/service-kit/config';
import { isUuid } from '@queue-manager/service-kit/ids';
import { z } from 'zod';
import { queueEnv } from './config.ts';
import { openDatabase } from './db/database.ts';
import {
  BrokenHistory,
  countByState,
  foldHistory,
  type History,
  partiesIn,
  readLineEvents,
} from './line/history.ts';

const help = `Usage: npm run history -- QUEUE_ID [options]

Rebuilds a queue from its events alone and prints it: its settings, the waiting and called parties in
order, and how many parties are in each state. Reads the database of the local system, or the one in
MYSQL_URL. Parties are shown by number, since events hold no names.

Options:
  --at TIME  show the queue at this time, such as 2026-11-20T20:15:00Z or 2026-11-20T21:15:00+01:00;
             default now
  --json     print one JSON object and nothing else on standard output
             (with "npm run -s history": otherwise npm prints lines of its own)
  --help     print this help
`;

type Arguments = { queueId: string; at: Date | null; json: boolean };

const Moment = z.iso.datetime({ offset: true });

function readArguments(): Arguments | undefined {
  const { values, positionals } = parseOptions({
    allowPositionals: true,
    options: {
      at: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const [queueId, ...others] = positionals;
  if (queueId === undefined || others.length > 0) {
    throw new StackError('expected one queue id: npm run history -- QUEUE_ID (see --help)');
  }
  if (!isUuid(queueId)) throw new StackError(`${queueId} is not a queue id`);
  if (values.at !== undefined && !Moment.safeParse(values.at).success) {
    throw new StackError('--at must be a time such as 2026-11-20T20:15:00Z');
  }
  return { queueId, at: values.at === undefined ? null : new Date(values.at), json: values.json };
}

async function readHistory({ queueId, at }: Arguments): Promise<History> {
  const { MYSQL_URL } = readConfig({ MYSQL_URL: queueEnv.MYSQL_URL });
  const db = openDatabase({ url: MYSQL_URL, poolSize: 1 });
  try {
    const history = await foldHistory(readLineEvents(db, queueId), at);
    if (history !== undefined) return history;
    const first = await readLineEvents(db, queueId, 1).next();
    throw new StackError(
      first.done
        ? `there is no queue ${queueId}`
        : `the queue did not exist yet: it was created at ${first.value.time}`,
    );
  } catch (error) {
    if (error instanceof StackError || error instanceof BrokenHistory) throw error;
    const { code, message } = error as { code?: unknown; message?: string };
    throw new StackError(`the database cannot be read: ${message || String(code)}`);
  } finally {
    await db.destroy();
  }
}

/** When a waiting or called party entered its state. */
function since(party: PartySnapshot): string {
  return (party.state === 'called' ? party.calledAt : null) ?? party.joinedAt;
}

function asJson(history: History, at: Date | null) {
  const { venueId, queueId, seq, time, queue } = history;
  const { seq: _, ...facts } = queue;
  const rows = (state: PartyState) =>
    partiesIn(history, state).map((party) => ({ ...party, since: since(party) }));
  return {
    venueId,
    queueId,
    at: at?.toISOString() ?? null,
    seq,
    time,
    queue: facts,
    waiting: rows('waiting'),
    called: rows('called'),
    counts: countByState(history),
  };
}

const states: Record<PartyState, string> = {
  waiting: 'waiting',
  called: 'called',
  seated: 'seated',
  departed: 'departed',
  no_show: 'no-show',
  left: 'left',
  removed: 'removed',
};

function asText(history: History): string {
  const { queue, seq, time } = history;
  const counts = Object.entries(countByState(history)) as [PartyState, number][];
  return [
    `${queue.name}: ${queue.deleted ? 'deleted' : queue.state}, after event ${seq} of ${time}`,
    '',
    ...table('Waiting', partiesIn(history, 'waiting')),
    ...table('Called', partiesIn(history, 'called')),
    counts.map(([state, count]) => `${count} ${states[state]}`).join(', '),
    '',
  ].join('\n');
}

function table(title: string, parties: PartySnapshot[]): string[] {
  if (parties.length === 0) return [`${title}: none`, ''];
  const rows = parties.map((party, index) => [
    String(index + 1),
    String(party.number),
    party.lane,
    String(party.size),
    party.state,
    since(party),
  ]);
  const head = ['position', 'number', 'lane', 'size', 'state', 'since'];
  return [`${title}:`, ...tableLines([head, ...rows]).map((line) => `  ${line}`), ''];
}

try {
  const args = readArguments();
  if (args === undefined) process.stdout.write(help);
  else {
    const history = await readHistory(args);
    process.stdout.write(
      args.json ? `${JSON.stringify(asJson(history, args.at))}\n` : asText(history),
    );
  }
} catch (error) {
  const isExpected = [StackError, BrokenHistory, ConfigError].some((kind) => error instanceof kind);
  if (!isExpected) throw error;
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
