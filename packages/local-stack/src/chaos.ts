/** `npm run chaos [-- --minutes N --seed S]`: a system of its own, killed piece by piece while it works. */
import { randomBytes } from 'node:crypto';
import { cpSync, createWriteStream, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { freshDatabase } from '@queue-manager/service-kit/testing';
import type { ViolationCount } from './chaos-ledger.ts';
import { type ChaosResult, runChaos } from './chaos-run.ts';
import { repositoryRoot } from './repository.ts';
import { StackError } from './stack-error.ts';
import { standAlone } from './stand-alone.ts';
import { removeDataDir } from './stores.ts';
import { startSystem } from './system.ts';
import { ensurePrograms, findProgram } from './system-packages.ts';
import { runUntilStopped, say } from './terminal.ts';
import { makeThrowAwayDataDir } from './throw-away-data.ts';

const help = `Usage: npm run chaos -- [options]

Starts a system of its own on throw-away data, lets guests, hosts and newcomers use it through the
gateway, and kills its stores and services (kill -9) at random moments meanwhile. When the time is
over it waits until the system has come to rest, and holds it against what it had acknowledged:
every join, call and sign-up there once, nobody called twice, every mail sent or its failure
visible, Redis equal to MySQL.

Options:
  --minutes N  how long to kill; default 5
  --seed S     repeats the choice of victims, pauses and calls of an earlier run; default a new one
  --json       print the result as one JSON object and nothing else on standard output
  --help       print this

What the stores and services logged is in .data/chaos-logs until the next run.
Exit code: 0 when all is well; 1 when anything was not.
`;

/** Everybody here comes from one address, and asks again and again while the system is away. */
const settingsOfChaos = {
  RATE_LIMIT_CREDENTIALS_PER_MINUTE: '10000',
  RATE_LIMIT_CREDENTIALS_ADDRESS_PER_MINUTE: '10000',
  RATE_LIMIT_JOIN_PER_MINUTE: '100000',
  RATE_LIMIT_TICKET_PER_MINUTE: '10000',
  RATE_LIMIT_TICKET_ADDRESS_PER_MINUTE: '100000',
  RATE_LIMIT_ACCOUNT_PER_MINUTE: '100000',
  RATE_LIMIT_ADDRESS_PER_MINUTE: '100000',
  // Comes to rest sooner.
  TASK_LEASE_SECONDS: '30',
  MAIL_RETRY_DELAYS_SECONDS: '1,5',
};

const logFolder = join(repositoryRoot, '.data/chaos-logs');

function readArguments() {
  const { values } = parsed();
  const minutes = Number(values.minutes);
  if (!(minutes > 0 && minutes <= 24 * 60)) {
    throw new StackError('--minutes must be a number above 0 and at most 1440');
  }
  return { ...values, minutes };
}

function parsed() {
  try {
    return parseArgs({
      options: {
        minutes: { type: 'string', default: '5' },
        seed: { type: 'string', default: randomBytes(4).toString('hex') },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new StackError(`${(error as Error).message.split('\n')[0]} See --help.`);
  }
}

/** One file a service, and one for what the supervisor says. */
function openLogs() {
  mkdirSync(logFolder, { recursive: true, mode: 0o700 });
  const files = new Map<string, ReturnType<typeof createWriteStream>>();
  return (name: string, line: string) => {
    const file = files.get(name) ?? createWriteStream(join(logFolder, `${name}.log`));
    files.set(name, file);
    file.write(`${line}\n`);
  };
}

/** How often something went wrong, and at which moments of the run. */
function described({ what, count, firstAtMs, lastAtMs }: ViolationCount): string {
  const often = count === 1 ? 'once' : `${count} times`;
  if (firstAtMs === null || lastAtMs === null) return `${what} (${often}, found at the end)`;
  const seconds = (ms: number) => (ms / 1_000).toFixed(1);
  const moment =
    count === 1
      ? `at ${seconds(firstAtMs)} s`
      : `from ${seconds(firstAtMs)} s to ${seconds(lastAtMs)} s`;
  return `${what} (${often}, ${moment})`;
}

function summary(result: ChaosResult, seed: string, minutes: number): string {
  const { acknowledged, retried, deadLetters, violations } = result;
  const list = (counts: Record<string, number>) =>
    Object.entries(counts)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ') || 'none';
  return [
    `${minutes} min of chaos with seed ${seed}`,
    '',
    `  killed         ${list(result.kills)}`,
    `  acknowledged   ${list(acknowledged)}`,
    `  came too late  ${result.refused}`,
    `  asked again    ${list({ ...retried })}`,
    `  mails          ${result.mails}, ${result.doubledMails} doubled, ${result.mailsLostByInbox} lost by the inbox itself`,
    `  failed tasks   ${list(result.failedTasks)}`,
    `  dead letters   ${list(deadLetters)}`,
    '',
    ...(violations.length === 0
      ? ['Nothing was lost, doubled or forgotten.']
      : [
          `FAILED with seed ${seed}, ${violations.length} kinds of violation:`,
          ...violations.map((violation) => `  - ${described(violation)}`),
        ]),
    '',
  ].join('\n');
}

await runUntilStopped(async (_stopping, signal) => {
  const { minutes, seed, json, help: isAsked } = readArguments();
  if (isAsked) {
    process.stdout.write(help);
    return 0;
  }
  await ensurePrograms(process.env, repositoryRoot, say);
  const env = { ...standAlone(process.env), ...settingsOfChaos };
  const dataDir = makeThrowAwayDataDir('queue-manager-chaos-');
  // Where there is no MariaDB of its own to start, the server that was given keeps the truth.
  const database =
    findProgram('mariadbd', process.env) === undefined ? await freshDatabase() : undefined;
  const log = openLogs();
  const mailsSent = new Set<string>();
  try {
    say(`seed ${seed}: npm run chaos -- --minutes ${minutes} --seed ${seed} repeats its choices`);
    const system = await startSystem({
      dataDir,
      env: { ...env, ...(database ? { MYSQL_URL: database.url } : {}) },
      log: (line) => log('supervisor', line),
      output(name, line) {
        log(name, line);
        const mail = name === 'mailer' ? /"eventId":"([^"]+)".*"msg":"mail sent"/.exec(line) : null;
        if (mail?.[1] !== undefined) mailsSent.add(mail[1]);
      },
      signal,
    });
    try {
      const durationMs = minutes * 60_000;
      const result = await runChaos({ system, seed, durationMs, mailsSent, signal, say });
      process.stdout.write(
        json ? `${JSON.stringify({ seed, ...result })}\n` : summary(result, seed, minutes),
      );
      return result.violations.length === 0 ? 0 : 1;
    } finally {
      await system.stop();
    }
  } finally {
    await database?.drop();
    if (existsSync(join(dataDir, 'logs'))) {
      cpSync(join(dataDir, 'logs'), logFolder, { recursive: true });
    }
    removeDataDir(dataDir);
  }
});
