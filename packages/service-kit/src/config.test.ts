import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { readConfig, Secret } from './config.ts';

const folder = mkdtempSync(join(tmpdir(), 'queue-manager-config-'));
after(() => rmSync(folder, { recursive: true }));

const secret = 'x'.repeat(43);
const shape = { SESSION_KEY: Secret };

function fileWith(content: string): string {
  const path = join(folder, 'secret');
  writeFileSync(path, content);
  return path;
}

const refused = (env: NodeJS.ProcessEnv, message: string) =>
  assert.throws(() => readConfig(shape, env), {
    name: 'ConfigError',
    message: `Bad configuration: ${message}`,
  });

suite('the configuration of a service', () => {
  for (const [title, end] of [
    ['without a line break', ''],
    ['with a line break', '\n'],
    ['with a line break of Windows', '\r\n'],
  ]) {
    test(`takes a variable from a file that ends ${title}`, () => {
      const config = readConfig(shape, { SESSION_KEY_FILE: fileWith(secret + end) });
      assert.deepEqual(config, { SESSION_KEY: secret });
    });
  }

  test('takes a variable itself when its file is an empty variable', () => {
    assert.deepEqual(readConfig(shape, { SESSION_KEY: secret, SESSION_KEY_FILE: '' }), {
      SESSION_KEY: secret,
    });
  });

  test('is refused when a variable and its file are both set', () => {
    const env = { SESSION_KEY: secret, SESSION_KEY_FILE: fileWith(secret) };
    refused(env, 'SESSION_KEY and SESSION_KEY_FILE are both set');
  });

  test('is refused when a file cannot be read', () => {
    refused(
      { SESSION_KEY_FILE: join(folder, 'nothing') },
      'SESSION_KEY_FILE cannot be read (ENOENT)',
    );
  });

  test('is refused when a file is empty', () => {
    refused({ SESSION_KEY_FILE: fileWith('\n') }, 'SESSION_KEY is missing');
  });

  test('is refused without the value of a bad file in the message', () => {
    refused(
      { SESSION_KEY_FILE: fileWith('tooshort') },
      'SESSION_KEY must be 32 bytes as base64url',
    );
  });
});
