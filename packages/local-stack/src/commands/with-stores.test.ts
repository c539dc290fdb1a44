import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { removeDataDir } from '../data-folder/temporary-data-dir.ts';
import { repositoryRoot } from '../repository.ts';
import { startStores } from '../stores/start-stores.ts';

const withStores = fileURLToPath(new URL('with-stores.ts', import.meta.url));
const dataDir = mkdtempSync(join(tmpdir(), 'queue-manager-with-stores-'));
after(() => removeDataDir(dataDir));

/** Prints its addresses and arguments. */
const program = join(dataDir, 'program.ts');
writeFileSync(
  program,
  'console.log(JSON.stringify([process.env.MYSQL_URL, process.env.REDIS_URL, process.argv.slice(2)]));',
);

function run(env: NodeJS.ProcessEnv) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [withStores, 'MYSQL_URL', relative(repositoryRoot, program), 'one', '--two'],
    { env: { PATH: process.env.PATH, DATA_DIR: dataDir, ...env }, encoding: 'utf8' },
  );
  return { status, out: stdout === '' ? undefined : JSON.parse(stdout), err: stderr };
}

suite('a program that needs a store', () => {
  test('gets the addresses of the running system, which no other user may read', async () => {
    assert.deepEqual(run({}), {
      status: 1,
      out: undefined,
      err: `nothing is running on the data folder ${dataDir}: run npm start, or set MYSQL_URL\n`,
    });
    const stores = await startStores({
      dataDir,
      env: {
        MYSQL_URL: 'mysql://running',
        REDIS_URL: 'redis://running',
        AWS_ENDPOINT_URL_DYNAMODB: 'http://running',
        AWS_ENDPOINT_URL_SQS: 'http://running',
        SMTP_URL: 'smtp://running',
      },
    });
    try {
      assert.equal(statSync(join(dataDir, 'addresses.json')).mode & 0o777, 0o600);
      const args = ['one', '--two'];
      assert.deepEqual(run({}).out, ['mysql://running', 'redis://running', args]);
      // Stores of two systems are not mixed.
      assert.deepEqual(run({ MYSQL_URL: 'mysql://given' }).out, ['mysql://given', null, args]);
    } finally {
      await stores.stop();
    }
    assert.equal(run({}).status, 1);
  });
});
