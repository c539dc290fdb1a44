/** `npm run chaos [-- rolling] [--minutes N --seed S]`: kills, disturbs or restarts its own system under load. */
import { randomBytes } from 'node:crypto';
import { cpSync, createWriteStream, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  makeTemporaryDataDir,
  removeDataDir,
} from '@queue-manager/local-stack/data-folder/temporary-data-dir';
import { repositoryRoot } from '@queue-manager/local-stack/repository';
import { StackError } from '@queue-manager/local-stack/stack-error';
import { shiftedClock, shiftInFile } from '@queue-manager/local-stack/stores/shifted-clock';
import { ensurePrograms } from '@queue-manager/local-stack/stores/system-packages';
import { standAloneEnv } from '@queue-manager/local-stack/system/stand-alone';
import { startSystem } from '@queue-manager/local-stack/system/system';
import { parseOptions, runUntilStopped, say } from '@queue-manager/local-stack/terminal';
import { randomOf } from '../random.ts';
import { startContactsApi } from './contacts-api.ts';
import type { ViolationCount } from './ledger.ts';
import { type ChaosResult, runChaos } from './run-chaos.ts';

const help = `Usage: npm run chaos -- [rolling] [options]

Starts its own system on temporary data, simulates guests, hosts and new users at the gateway, and
kills stores and services (kill -9) at random moments. Meanwhile, one of them at a time is silent,
slow, full, read-only, or refuses connections for some seconds, or (on Linux) the clock of all
services goes back. Then it waits until the system is idle and compares it with what it acknowledged: every join, call and sign-up is there once, no party
was called twice, every mail was sent or its failure is visible, every new account came to the
external API, and Redis agrees with MySQL. Every
call got an answer or a 503.

With the word rolling, it kills nothing: it restarts every service one after the other, again and
again, while a night is replayed beside the load. Then also the streams of guests must show what
their guests read, and a dead letter has no excuse.

Options:
  --minutes N  duration of the kills and outages; default 5
  --seed S     repeats the kills, outages, pauses and calls of an earlier run; default random
  --json       print the result as one JSON object and nothing else on standard output
  --help       print this

The logs of stores and services stay in .data/chaos-logs until the next run.
Exit code: 0 when nothing was violated, 1 otherwise.
`;

/** All load comes from one address, and is retried while the system is unavailable. */
const settingsOfLoad = {
  RATE_LIMIT_CREDENTIALS_PER_MINUTE: '10000',
  RATE_LIMIT_CREDENTIALS_ADDRESS_PER_MINUTE: '10000',
  RATE_LIMIT_JOIN_PER_MINUTE: '100000',
  RATE_LIMIT_TICKET_PER_MINUTE: '10000',
  RATE_LIMIT_TICKET_ADDRESS_PER_MINUTE: '100000',
  RATE_LIMIT_ACCOUNT_PER_MINUTE: '100000',
  RATE_LIMIT_ADDRESS_PER_MINUTE: '100000',
  // Lets the system become idle sooner.
  TASK_LEASE_SECONDS: '30',
  MAIL_RETRY_DELAYS_SECONDS: '1,5',
  FORWARD_SCHEDULES: '* * * * * *',
};

/** Shorter than most outages, so that requests meet their deadline. */
const settingsOfKills = { UPSTREAM_TIMEOUT_MS: '3000' };

const logFolder = join(repositoryRoot, '.data/chaos-logs');

function readArguments() {
  const { values, positionals } = parseOptions({
    allowPositionals: true,
    options: {
      minutes: { type: 'string', default: '5' },
      seed: { type: 'string', default: randomBytes(4).toString('hex') },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const minutes = Number(values.minutes);
  if (!(minutes > 0 && minutes <= 24 * 60)) {
    throw new StackError('--minutes must be a number above 0 and at most 1440');
  }
  const isRolling = positionals.length === 1 && positionals[0] === 'rolling';
  if (positionals.length > 0 && !isRolling) {
    throw new StackError(`unknown argument: ${positionals.join(' ')}`);
  }
  return { ...values, minutes, isRolling };
}

/** Variables with which a process sees the clock as the file says; for now, as it is. */
function shiftableClock(env: NodeJS.ProcessEnv, clockFile: string): NodeJS.ProcessEnv {
  writeFileSync(clockFile, '+0s');
  return shiftedClock(env, shiftInFile(clockFile), 0);
}

/** One file per service, and one for the supervisor. */
function openLogs() {
  mkdirSync(logFolder, { recursive: true, mode: 0o700 });
  const files = new Map<string, ReturnType<typeof createWriteStream>>();
  return (name: string, line: string) => {
    const file = files.get(name) ?? createWriteStream(join(logFolder, `${name}.log`));
    files.set(name, file);
    file.write(`${line}\n`);
  };
}

/** A violation with its count and times. */
function described({ what, count, firstAtMs, lastAtMs }: ViolationCount): string {
  const times = count === 1 ? 'once' : `${count} times`;
  if (firstAtMs === null || lastAtMs === null) return `${what} (${times}, found at the end)`;
  const seconds = (ms: number) => (ms / 1_000).toFixed(1);
  const moment =
    count === 1
      ? `at ${seconds(firstAtMs)} s`
      : `from ${seconds(firstAtMs)} s to ${seconds(lastAtMs)} s`;
  return `${what} (${times}, ${moment})`;
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
    ...Object.entries({
      killed: result.kills,
      outages: result.outages,
      restarted: result.restarts,
    }).flatMap(([what, counts]) =>
      Object.keys(counts).length === 0 ? [] : [`  ${what.padEnd(14)} ${list(counts)}`],
    ),
    `  acknowledged   ${list(acknowledged)}`,
    `  too late       ${result.refused}`,
    `  retried        ${list({ ...retried })}`,
    ...(result.followed === 0 ? [] : [`  streams        ${result.followed} followed`]),
    `  mails          ${result.mails}, ${result.doubledMails} duplicated, ${result.mailsLostByInbox} lost by the inbox itself`,
    `  failed tasks   ${list(result.failedTasks)}`,
    `  dead letters   ${list(deadLetters)}`,
    '',
    ...(violations.length === 0
      ? ['Nothing was lost, duplicated or forgotten.']
      : [
          `FAILED with seed ${seed}, ${violations.length} kinds of violation:`,
          ...violations.map((violation) => `  - ${described(violation)}`),
        ]),
    '',
  ].join('\n');
}

await runUntilStopped(async (_stopping, signal) => {
  const { minutes, seed, json, isRolling, help: wantsHelp } = readArguments();
  if (wantsHelp) {
    process.stdout.write(help);
    return 0;
  }
  await ensurePrograms(process.env, repositoryRoot, say);
  const hasShiftedClock = process.platform === 'linux' && !isRolling;
  if (hasShiftedClock) await ensurePrograms(process.env, repositoryRoot, say, ['faketime']);
  else if (!isRolling) say('the clock of the services does not go back: that needs Linux');
  const dataDir = makeTemporaryDataDir('queue-manager-chaos-');
  const { env, release } = await standAloneEnv(process.env);
  const clockFile = hasShiftedClock ? join(dataDir, 'clock-shift') : null;
  const log = openLogs();
  const mailsSent = new Set<string>();
  const contacts = await startContactsApi(dataDir, randomOf(`${seed} contacts`));
  try {
    say(
      `seed ${seed}: npm run chaos -- ${isRolling ? 'rolling ' : ''}--minutes ${minutes} --seed ${seed} repeats this run`,
    );
    const system = await startSystem({
      dataDir,
      env: { ...env, ...settingsOfLoad, ...(isRolling ? {} : settingsOfKills) },
      serviceEnv: clockFile === null ? undefined : shiftableClock(env, clockFile),
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
      const result = await runChaos({
        ...{
          system,
          dataDir,
          clockFile,
          seed,
          isRolling,
          durationMs,
          mailsSent,
          contacts,
          signal,
          say,
        },
      });
      process.stdout.write(
        json ? `${JSON.stringify({ seed, ...result })}\n` : summary(result, seed, minutes),
      );
      return result.violations.length === 0 ? 0 : 1;
    } finally {
      await system.stop();
    }
  } finally {
    await contacts.close();
    await release();
    if (existsSync(join(dataDir, 'logs'))) {
      cpSync(join(dataDir, 'logs'), logFolder, { recursive: true });
    }
    removeDataDir(dataDir);
  }
});
