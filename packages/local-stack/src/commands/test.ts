/**
 * `npm test [-- FILE_OR_PATTERN...]`: the whole system on throw-away data, then node's test runner
 * over every test but the long ones, or over those named. Its exit code and its last lines are the test runner's.
 * With REDIS_CLUSTER=true the whole system is on a cluster, and only its own tests run: those of single services
 * start clusters where it matters to them, and want a single node otherwise.
 */
import { createWriteStream, globSync, mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { freshDatabase } from '@queue-manager/service-kit/testing';
import { makeTemporaryDataDir, removeDataDir } from '../data-folder/temporary-data-dir.ts';
import { startGuarded } from '../processes/guarded-process.ts';
import { repositoryRoot } from '../repository.ts';
import { StackError } from '../stack-error.ts';
import { isClusterWanted } from '../stores/redis-cluster.ts';
import { ensurePrograms } from '../stores/system-packages.ts';
import { services } from '../system/services.ts';
import { type System, startSystem } from '../system/system.ts';
import { runUntilStopped, say } from '../terminal.ts';

const systemTests = 'tests/**/*.test.ts';
const everyTest = ['packages/**/src/**/*.test.ts', 'services/**/src/**/*.test.ts', systemTests];

/** Those that take minutes: `npm run test:long` names them. */
const longTests = '**/*.long.test.ts';

/** Every test of the whole system comes from one address, some with the load of a whole evening. */
const limitsOfTests = {
  RATE_LIMIT_CREDENTIALS_ADDRESS_PER_MINUTE: '10000',
  RATE_LIMIT_JOIN_PER_MINUTE: '100000',
  RATE_LIMIT_TICKET_PER_MINUTE: '10000',
  RATE_LIMIT_TICKET_ADDRESS_PER_MINUTE: '100000',
  RATE_LIMIT_ACCOUNT_PER_MINUTE: '100000',
  RATE_LIMIT_ADDRESS_PER_MINUTE: '100000',
};

/** Bounds a test that hangs and sets itself no other bound; not a measure of how fast tests have to be. */
const testTimeoutMs = 300_000;

await runUntilStopped(async (_stopping, stopped) => {
  const patterns = process.argv.slice(2);
  const byDefault = isClusterWanted(process.env) ? systemTests : everyTest;
  const files = globSync(patterns.length > 0 ? patterns : byDefault, {
    cwd: repositoryRoot,
    exclude: ['**/node_modules/**', ...(patterns.length > 0 ? [] : [longTests])],
  });
  if (files.length === 0) throw new StackError(`no test file matches ${patterns.join(' ')}`);

  await ensurePrograms(process.env, repositoryRoot, say);
  const dataDir = makeTemporaryDataDir('queue-manager-test-');
  // On a server that was given, the system gets a database of its own, as each test file does.
  const database = process.env.MYSQL_URL ? await freshDatabase() : undefined;
  try {
    const system = await startSystem({
      dataDir,
      env: { ...limitsOfTests, ...process.env, ...(database ? { MYSQL_URL: database.url } : {}) },
      log: say,
      signal: stopped,
      output: serviceLogs(),
    });
    try {
      stopped.throwIfAborted();
      return await runTests(files.sort(), system, stopped);
    } finally {
      await system.stop();
    }
  } finally {
    await database?.drop();
    removeDataDir(dataDir);
  }
});

/** In .data/test-logs until the next run, for whoever has to find out why a test failed. */
function serviceLogs() {
  const folder = join(repositoryRoot, '.data/test-logs');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const files = new Map(
    services.map(({ name }) => [name, createWriteStream(join(folder, `${name}.log`))]),
  );
  return (name: string, line: string) => void files.get(name)?.write(`${line}\n`);
}

async function runTests(files: string[], system: System, stopped: AbortSignal): Promise<number> {
  const runner = startGuarded(
    {
      file: process.execPath,
      args: [
        '--test',
        '--test-reporter=spec',
        `--test-concurrency=${Math.min(availableParallelism(), 4)}`,
        `--test-timeout=${testTimeoutMs}`,
        ...files,
      ],
      cwd: repositoryRoot,
      env: {
        ...process.env,
        ...system.env,
        // The truth of the system under test, to be compared with what it answers.
        SYSTEM_MYSQL_URL: system.env.MYSQL_URL,
        // Each test file makes its own database from the server's own address.
        ...(process.env.MYSQL_URL ? { MYSQL_URL: process.env.MYSQL_URL } : {}),
      },
    },
    'inherit',
  );
  stopped.addEventListener('abort', () => void runner.stop(5_000), { once: true });
  const { code } = await runner.exited;
  return stopped.aborted ? 130 : (code ?? 1);
}
