/**
 * `npm run dead-letters -- COMMAND`: shows, redrives and purges dead letters. Started by with-stores.ts, which
 * provides the address of SQS.
 */
import { createSqsClient } from '@queue-manager/events/client';
import { createDeadLetters, type DeadLetter } from '@queue-manager/events/dead-letters';
import { type QueueName, queueNames } from '@queue-manager/events/topology';
import { createProgress } from '../progress.ts';
import { StackError } from '../stack-error.ts';
import { parseOptions, runUntilStopped, say, tableLines } from '../terminal.ts';

const help = `Usage: npm run dead-letters -- COMMAND

Manages the dead letters of a running system: messages that failed three times or can never succeed.

Commands:
  list                           number of dead letters per queue
  show QUEUE [--body]            each dead letter with its id, type, subject, age, tries and error;
                                 with --body also its content, including personal data
  redrive QUEUE [--id ID ...]    send them back to their queue for another try: all of them, or
                                 those with these ids (of the message or of its event)
  purge QUEUE --yes              delete all of them permanently

Queues: ${queueNames.join(', ')}

Environment:
  DATA_DIR                       data folder of the system on this machine; default .data
  AWS_ENDPOINT_URL_SQS           SQS to use instead of that system's
  SQS_PREFIX                     prefix of its queue names; default none

Exit code: 0 on success; 1 when a request could not be fulfilled.
`;

const commands = ['list', 'show', 'redrive', 'purge'] as const;
type Command = (typeof commands)[number];

interface Arguments {
  command: Command;
  queue: QueueName | undefined;
  ids: string[] | undefined;
  body: boolean;
}

/** Limits `show` only; redrive and purge handle all. */
const shownMax = 1_000;
/** How long shown messages stay hidden from other readers: enough to read `shownMax`. */
const hiddenSeconds = 20;

/** Undefined when help was asked for. */
function readArguments(): Arguments | undefined {
  const { values, positionals } = parseOptions({
    allowPositionals: true,
    options: {
      id: { type: 'string', multiple: true },
      body: { type: 'boolean', default: false },
      yes: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [command, queue, ...rest] = positionals;
  if (values.help || command === undefined) return undefined;
  if (!isOneOf(commands, command)) {
    throw new StackError(`${command} is not a command: use one of ${commands.join(', ')}`);
  }
  if (command === 'list') {
    if (queue !== undefined) throw new StackError('list takes no queue: see --help');
    return { command, queue: undefined, ids: undefined, body: false };
  }
  if (queue === undefined) throw new StackError(`${command} needs the name of a queue`);
  if (!isOneOf(queueNames, queue)) {
    throw new StackError(`no queue is named ${queue}: use one of ${queueNames.join(', ')}`);
  }
  const ids = values.id && [...values.id, ...rest];
  if (rest.length > 0 && ids === undefined) {
    throw new StackError(`give one queue, and ids after --id: see --help`);
  }
  if (ids !== undefined && command !== 'redrive') {
    throw new StackError(`${command} takes no --id: only redrive does`);
  }
  if (values.body && command !== 'show') {
    throw new StackError(`${command} takes no --body: only show does`);
  }
  if (command === 'purge' && !values.yes) {
    throw new StackError(
      `this permanently deletes the dead letters of ${queue}: confirm with --yes`,
    );
  }
  return { command, queue, ids, body: values.body };
}

function isOneOf<const T extends string>(allowed: readonly T[], value: string): value is T {
  return (allowed as readonly string[]).includes(value);
}

const columns = ['MESSAGE', 'TYPE', 'SUBJECT', 'AGE', 'TRIES', 'ERROR'];
const never = 'unknown: its consumer exited while handling it';

function shown(letters: readonly DeadLetter[], now: Date, withBody: boolean): string {
  const rows = letters.map((letter) => [
    letter.messageId,
    letter.type ?? '-',
    letter.subject ?? '-',
    ageOf(letter.since, now),
    String(letter.receives),
    printable(letter.failure?.error ?? never),
  ]);
  const [head, ...lines] = tableLines([columns, ...rows]);
  const shownLines = lines.flatMap((line, index) =>
    withBody ? [line, `  ${printable(letters[index]?.body ?? '')}`] : [line],
  );
  return [head, ...shownLines, ''].join('\n');
}

/** Escapes control characters, which a terminal would interpret. */
function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** In the largest unit that gives two or more. */
function ageOf(since: Date, now: Date): string {
  const seconds = Math.max(0, Math.floor((now.getTime() - since.getTime()) / 1_000));
  for (const [name, length] of [
    ['d', 86_400],
    ['h', 3_600],
    ['min', 60],
  ] as const) {
    if (seconds >= 2 * length) return `${Math.floor(seconds / length)} ${name}`;
  }
  return `${seconds} s`;
}

function letters(count: number): string {
  return count === 1 ? '1 dead letter' : `${count} dead letters`;
}

async function run({ command, queue, ids, body }: Arguments, signal: AbortSignal): Promise<number> {
  const sqs = createSqsClient();
  const deadLetters = createDeadLetters({ sqs, prefix: process.env.SQS_PREFIX ?? '' });
  if (queue === undefined) {
    const rows: string[][] = [];
    for (const name of queueNames) rows.push([name, String(await deadLetters.count(name))]);
    process.stdout.write(`${tableLines([['QUEUE', 'DEAD LETTERS'], ...rows]).join('\n')}\n`);
    return 0;
  }
  const count = await deadLetters.count(queue);
  if (count === 0 && ids === undefined) {
    say(`${queue} has no dead letters`);
    return 0;
  }

  if (command === 'show') {
    const found = await deadLetters.read(queue, { most: shownMax, hiddenSeconds });
    process.stdout.write(shown(found, new Date(), body));
    if (found.length < count) {
      say(`${letters(count - found.length)} more: too many to show, or another reader has them`);
    }
    return 0;
  }
  if (command === 'purge') {
    await deadLetters.purge(queue);
    say(`${letters(count)} of ${queue} deleted`);
    return 0;
  }

  const { onProgress, end } = createProgress();
  const { sent, missing, refused } = await deadLetters
    .redrive(queue, { ...(ids && { ids }), onProgress, signal })
    .finally(end);
  say(`${letters(sent)} sent back to ${queue}`);
  if (signal.aborted) return 130;
  if (refused.count > 0) say(`${letters(refused.count)} refused: ${refused.reason}`);
  for (const id of missing) say(`no dead letter of ${queue} has the id ${printable(id)}`);
  const left = ids === undefined ? count - sent - refused.count : 0;
  if (left > 0) say(`${letters(left)} left: another reader has them`);
  return refused.count + missing.length + left > 0 ? 1 : 0;
}

await runUntilStopped(async (_stopping, signal) => {
  const args = readArguments();
  if (args === undefined) {
    process.stdout.write(help);
    return 0;
  }
  try {
    return await run(args, signal);
  } catch (error) {
    const { name, message, code } = error as Error & { code?: string };
    if (name.includes('QueueDoesNotExist') || name.includes('NonExistentQueue')) {
      throw new StackError('the queues do not exist: has this system been started yet?');
    }
    const where = process.env.AWS_ENDPOINT_URL_SQS ?? 'SQS';
    throw new StackError(`${where} failed: ${message || (code ?? name)}`);
  }
});
