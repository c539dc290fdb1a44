import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { until } from '@queue-manager/service-kit/testing';
import { readProcess } from '../data-folder/running-system.ts';
import { removeDataDir } from '../data-folder/temporary-data-dir.ts';
import { processesOf } from '../processes/guarded-process.ts';
import { repositoryRoot } from '../repository.ts';

const bootstrap = 'packages/local-stack/bootstrap.mjs';
const folders: string[] = [];
after(() => {
  for (const folder of folders) removeDataDir(folder);
});

interface Started {
  /** The started process, leader of a group with everything but the stores. */
  child: ChildProcess;
  top: number;
  redis: number;
  dataDir: string;
  errors: () => string;
}

/** Starts one store only, which is enough here. */
async function start(file: string, args: string[]): Promise<Started> {
  const dataDir = mkdtempSync(join(tmpdir(), 'queue-manager-bootstrap-'));
  folders.push(dataDir);
  const written = join(dataDir, 'addresses');
  const child = spawn(file, [...args, '--write-env', written], {
    cwd: repositoryRoot,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      DATA_DIR: dataDir,
      MYSQL_URL: 'mysql://elsewhere',
      REDIS_URL: '',
      BROKER_REDIS_URL: 'redis://elsewhere',
      AWS_ENDPOINT_URL_DYNAMODB: 'http://elsewhere',
      AWS_ENDPOINT_URL_SQS: 'http://elsewhere',
      SMTP_URL: 'smtp://elsewhere',
    },
  });
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    errors += chunk;
  });
  await until('the addresses are written', () => existsSync(written) || child.exitCode !== null);
  assert.equal(child.exitCode, null, errors);
  const top = child.pid ?? 0;
  const redis = readProcess(dataDir, 'redis') ?? 0;
  assert.ok(processesOf(redis).length > 0);
  return { child, top, redis, dataDir, errors: () => errors };
}

async function untilNothingIsLeft({ top, redis }: Started): Promise<void> {
  await until('nothing is left', () => [...processesOf(top), ...processesOf(redis)].length === 0);
}

/** The process of the group whose command line holds the words. */
function find(group: number, words: string): number {
  for (const pid of processesOf(group)) {
    const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    if (line.includes(words) && !line.startsWith('sh ')) return pid;
  }
  return assert.fail(`no process with ${words}`);
}

const byNpm = ['npm', ['run', 'stores', '--']] satisfies [string, string[]];
const byNode = [process.execPath, [bootstrap, 'stores']] satisfies [string, string[]];

suite('bootstrap', () => {
  for (const [how, [file, args]] of Object.entries({ npm: byNpm, node: byNode })) {
    test(`run by ${how}: Ctrl-C, which reaches every process of the terminal, stops everything in an orderly way`, async () => {
      const started = await start(file, args);
      process.kill(-started.top, 'SIGINT');
      const [code, signal] = await once(started.child, 'exit');
      // npm exits by the signal it received, once its script has exited.
      assert.ok(code === 0 || signal === 'SIGINT', started.errors());
      assert.deepEqual(processesOf(started.redis), []);
      await untilNothingIsLeft(started);
    });

    test(`run by ${how}: SIGTERM to it alone stops everything in an orderly way`, async () => {
      const started = await start(file, args);
      process.kill(started.top, 'SIGTERM');
      await once(started.child, 'exit');
      assert.deepEqual(processesOf(started.redis), []);
      await untilNothingIsLeft(started);
    });

    test(`run by ${how}: SIGKILL to it alone stops everything`, async () => {
      const started = await start(file, args);
      process.kill(started.top, 'SIGKILL');
      await untilNothingIsLeft(started);
    });
  }

  test('SIGKILL to bootstrap stops everything', async () => {
    const started = await start(...byNpm);
    process.kill(find(started.top, 'bootstrap.mjs'), 'SIGKILL');
    await untilNothingIsLeft(started);
  });

  test('SIGKILL to the supervisor stops everything', async () => {
    const started = await start(...byNpm);
    process.kill(find(started.top, 'commands/stores.ts'), 'SIGKILL');
    const [code] = await once(started.child, 'exit');
    assert.notEqual(code, 0);
    await untilNothingIsLeft(started);
  });

  test('restart restarts a store of the running system', async () => {
    const started = await start(...byNode);
    const restart = spawn(process.execPath, [bootstrap, 'restart', 'redis'], {
      cwd: repositoryRoot,
      stdio: 'ignore',
      env: { ...process.env, DATA_DIR: started.dataDir },
    });
    assert.deepEqual(await once(restart, 'exit'), [0, null]);
    await until('it is back', () => started.errors().includes('redis is back'));
    assert.notEqual(readProcess(started.dataDir, 'redis'), started.redis);
    process.kill(started.top, 'SIGTERM');
    await once(started.child, 'exit');
    await untilNothingIsLeft(started);
  });

  test('lists its commands when given an unknown one', async () => {
    const child = spawn(process.execPath, [bootstrap, 'dance'], {
      cwd: repositoryRoot,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const [line] = (await once(child.stderr, 'data')) as [Buffer];
    assert.match(line.toString(), /^usage: node bootstrap\.mjs start\|dev\|/);
    assert.deepEqual(await once(child, 'exit'), [1, null]);
  });
});
