import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readConfig } from '@queue-manager/service-kit/config';
import { testCredential } from '@queue-manager/service-kit/testing';
import { authEnv } from './config.ts';
import { newSecret, newTokenKey } from './testing.ts';

describe('authEnv', () => {
  const env = {
    PORT: '0',
    INTERNAL_CREDENTIAL: testCredential,
    USER_SERVICE_URL: 'http://127.0.0.1:1',
    PUBLIC_URL: 'http://public.test',
    TOKEN_KEYS: JSON.stringify([newTokenKey('a'), newTokenKey('b')]),
    SESSION_SECRET: `${newSecret()},${newSecret()}`,
  };

  it('accepts several keys and secrets', () => {
    const config = readConfig(authEnv, env);
    assert.equal(config.TOKEN_KEYS.signing.kid, 'a');
    assert.equal(config.SESSION_SECRET.length, 2);
  });

  it('names the invalid variable without its value', () => {
    const [key] = JSON.parse(env.TOKEN_KEYS);
    const { d, ...publicKey } = key;
    for (const [name, value] of [
      ['TOKEN_KEYS', '[]'],
      ['TOKEN_KEYS', 'secret'],
      ['TOKEN_KEYS', JSON.stringify([publicKey])],
      ['TOKEN_KEYS', JSON.stringify([key, key])],
      ['TOKEN_KEYS', JSON.stringify([{ ...newTokenKey('c'), d }])],
      ['SESSION_SECRET', 'secret'],
      ['SESSION_SECRET', `${newSecret()},`],
      ['SESSION_SECRET', ''],
    ] as const) {
      assert.throws(
        () => readConfig(authEnv, { ...env, [name]: value }),
        (error: Error) => error.message.includes(name) && !error.message.includes(value || '""'),
      );
    }
  });
});
