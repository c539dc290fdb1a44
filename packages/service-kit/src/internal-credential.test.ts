import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serviceEnv } from './config.ts';
import { isCredential, sentCredential } from './internal-credential.ts';

const [old, fresh] = ['o'.repeat(32), 'f'.repeat(32)] as const;

test('a credential is replaced in three deployments, during which all services understand each other', () => {
  const steps = [old, `${old},${fresh}`, `${fresh},${old}`, fresh];
  for (const [index, before] of steps.entries()) {
    const after = steps[index + 1] ?? before;
    assert.ok(isCredential(sentCredential(before), after), `${before} to ${after}`);
    assert.ok(isCredential(sentCredential(after), before), `${after} to ${before}`);
  }
  assert.ok(!isCredential(sentCredential(old), fresh));
});

test('a list of credentials, an empty one and none are no credential', () => {
  for (const value of [`${old},${fresh}`, '', undefined]) {
    assert.ok(!isCredential(value, `${old},${fresh}`), String(value));
  }
});

test('each credential must be long', () => {
  const { INTERNAL_CREDENTIAL: schema } = serviceEnv;
  assert.ok(schema.safeParse(`${old},${fresh}`).success);
  assert.ok(!schema.safeParse(`${old},short`).success);
  assert.ok(!schema.safeParse(`${old},`).success);
});
