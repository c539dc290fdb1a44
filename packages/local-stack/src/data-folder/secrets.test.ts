import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, suite, test } from 'node:test';
import { StackError } from '../stack-error.ts';
import { hasSecrets, isSecret, secretsOf } from './secrets.ts';

let folder = '';
const file = () => join(folder, 'secrets.json');

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'queue-manager-secrets-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

suite('the secrets of a data folder', () => {
  test('are generated once, readable by the current user only', () => {
    const first = secretsOf(folder);
    assert.deepEqual(secretsOf(folder), first);
    assert.equal(statSync(file()).mode & 0o777, 0o600);
    assert.equal(new Set(Object.values(first)).size, Object.keys(first).length);
  });

  test('tell whether a system was started on the folder', () => {
    mkdirSync(join(folder, 'test-logs'));
    assert.equal(hasSecrets(folder), false);
    const made = secretsOf(folder);
    assert.equal(hasSecrets(folder), true);
    assert.ok(Object.keys(made).every(isSecret));
    assert.ok(!isSecret('PUBLIC_URL') && !isSecret('toString'));
  });

  test('of an older folder are kept, and missing ones are generated once', () => {
    const { SESSION_SECRET: _added, ...older } = secretsOf(folder);
    writeFileSync(file(), JSON.stringify(older));
    const now = secretsOf(folder);
    assert.ok(now.SESSION_SECRET);
    assert.deepEqual({ ...now, ...older }, now);
    assert.deepEqual(secretsOf(folder), now);
  });

  test('are not replaced when their file is damaged', () => {
    secretsOf(folder);
    writeFileSync(file(), '{ "INTERNAL');
    assert.throws(() => secretsOf(folder), StackError);
    assert.equal(readFileSync(file(), 'utf8'), '{ "INTERNAL');
  });
});
