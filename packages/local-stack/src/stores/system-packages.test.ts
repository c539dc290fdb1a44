import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { adviceOn, findProgram, missingPrograms } from './system-packages.ts';

const folder = mkdtempSync(join(tmpdir(), 'queue-manager-programs-'));
after(() => rmSync(folder, { recursive: true }));

function program(name: string, script: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

suite('system packages', () => {
  test('programs are found on the PATH and in the folders of servers', () => {
    const path = program('redis-server', 'exit 0');
    assert.equal(findProgram('redis-server', { PATH: `/nowhere:${folder}` }, []), path);
    assert.equal(findProgram('redis-server', { PATH: '' }, [folder]), path);
    assert.equal(findProgram('redis-server', { PATH: '/nowhere' }, []), undefined);
  });

  test('programs are found by their older names', () => {
    const path = program('mysql_install_db', 'exit 0');
    assert.equal(findProgram('mariadb-install-db', { PATH: folder }, []), path);
  });

  test('placeholder programs do not count', () => {
    program('java', 'echo "Unable to locate a Java Runtime." >&2; exit 1');
    assert.equal(
      findProgram('java', { PATH: `${folder}:/bin:/usr/bin` }, [])?.startsWith(folder),
      false,
    );
  });

  test('no program is needed for a store whose address is given', () => {
    const titles = (env: NodeJS.ProcessEnv) => [
      ...new Set(
        missingPrograms({ PATH: '/nowhere', ...env }, undefined, []).map(({ title }) => title),
      ),
    ];
    assert.deepEqual(titles({}), ['MariaDB', 'Redis', 'Java']);
    assert.deepEqual(titles({ MYSQL_URL: 'mysql://there' }), ['Redis', 'Java']);
    assert.deepEqual(
      titles({
        REDIS_URL: 'redis://there',
        BROKER_REDIS_URL: 'redis://there',
        AWS_ENDPOINT_URL_DYNAMODB: 'http://there',
      }),
      ['MariaDB'],
    );
    assert.deepEqual(titles({ REDIS_URL: 'redis://there' }), ['MariaDB', 'Redis', 'Java']);
  });

  test('missing programs are reported in one line that says what to install', () => {
    const missing = missingPrograms(
      { PATH: '/nowhere', MYSQL_URL: 'mysql://there' },
      undefined,
      [],
    );
    assert.equal(
      adviceOn(missing, 'darwin', folder),
      'Redis, Java missing: install with: brew install redis openjdk, or give the address of what runs elsewhere in REDIS_URL, BROKER_REDIS_URL, AWS_ENDPOINT_URL_DYNAMODB',
    );
    const browser = missingPrograms({ PATH: '/nowhere' }, ['chromium'], []);
    assert.equal(
      adviceOn(browser, 'darwin', folder),
      'Chromium missing: install with: brew install --cask google-chrome',
    );
    writeFileSync(join(folder, 'docker-compose.yml'), '');
    assert.match(
      adviceOn(missing, 'linux', folder),
      /^Redis, Java missing: install .*docker compose up$/,
    );
  });
});
