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

test('an empty credential and none are refused, and of a list the first counts', () => {
  for (const value of ['', ',', undefined, `other,${old}`]) {
    assert.ok(!isCredential(value, `${old},${fresh}`), String(value));
  }
  assert.ok(isCredential(`${old},${fresh}`, old));
});

test('each credential must be long', () => {
  const { INTERNAL_CREDENTIAL: schema } = serviceEnv;
  assert.ok(schema.safeParse(`${old},${fresh}`).success);
  assert.ok(!schema.safeParse(`${old},short`).success);
  assert.ok(!schema.safeParse(`${old},`).success);
});
