/**
 * `npm test [-- FILE_OR_PATTERN...]`: starts the whole system on temporary data, then runs node's test runner over
 * all tests except the long ones, or over the named ones. The exit code and the last lines are the test runner's.
 * With REDIS_CLUSTER=true the system runs on a cluster, and only the tests of the whole system run: tests of single
 * services start their own clusters, and otherwise need a single node.
 */
import { createWriteStream, globSync, mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, matchesGlob } from 'node:path';
import { freshDatabase } from '@queue-manager/service-kit/testing';
import { buildApps } from '../apps/build-apps.ts';
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
const everyTest = [
  'apps/*/src/**/*.test.ts',
  'packages/**/src/**/*.test.ts',
  'services/**/src/**/*.test.ts',
  'iac/src/**/*.test.ts',
  systemTests,
];

/** Run in Chromium, on the built apps. */
const browserTests = 'tests/browser/**';

/** Take minutes; run by `npm run test:long`. */
const longTests = '**/*.long.test.ts';

/** All tests of the whole system use one address, some with the load of a whole evening. */
const limitsOfTests = {
  RATE_LIMIT_CREDENTIALS_ADDRESS_PER_MINUTE: '10000',
  RATE_LIMIT_JOIN_PER_MINUTE: '100000',
  RATE_LIMIT_TICKET_PER_MINUTE: '10000',
  RATE_LIMIT_TICKET_ADDRESS_PER_MINUTE: '100000',
  RATE_LIMIT_ACCOUNT_PER_MINUTE: '100000',
  RATE_LIMIT_ADDRESS_PER_MINUTE: '100000',
};

/** Stops a test that hangs; tests need not be this fast. */
const testTimeoutMs = 300_000;

await runUntilStopped(async (_stopping, stopped) => {
  const patterns = process.argv.slice(2);
  const byDefault = isClusterWanted(process.env) ? systemTests : everyTest;
  const files = globSync(patterns.length > 0 ? patterns : byDefault, {
    cwd: repositoryRoot,
    exclude: ['**/node_modules/**', ...(patterns.length > 0 ? [] : [longTests])],
  });
  if (files.length === 0) throw new StackError(`no test file matches ${patterns.join(' ')}`);

  const hasBrowserTests = files.some((file) => matchesGlob(file, browserTests));
  await ensurePrograms(process.env, repositoryRoot, say, hasBrowserTests ? ['chromium'] : []);
  const building = hasBrowserTests ? buildApps(say, stopped) : Promise.resolve();
  // Awaited once the system runs.
  building.catch(() => {});
  const dataDir = makeTemporaryDataDir('queue-manager-test-');
  // On a configured server, the system gets its own database, as each test file does.
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
      await building;
      return await runTests(files.sort(), system, stopped);
    } finally {
      await system.stop();
    }
  } finally {
    await database?.drop();
    removeDataDir(dataDir);
  }
});

/** Logs in .data/test-logs, which stay until the next run. */
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
        // The database of the system under test, to compare with its answers.
        SYSTEM_MYSQL_URL: system.env.MYSQL_URL,
        // Each test file creates its own database on the configured server.
        ...(process.env.MYSQL_URL ? { MYSQL_URL: process.env.MYSQL_URL } : {}),
      },
    },
    'inherit',
  );
  stopped.addEventListener('abort', () => void runner.stop(5_000), { once: true });
  const { code } = await runner.exited;
  return stopped.aborted ? 130 : (code ?? 1);
}
