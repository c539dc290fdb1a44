import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { startSecretStores } from '@queue-manager/service-kit/testing/secret-stores';
import { loadSecrets, type SecretSources } from './load-secrets.ts';

suite('the secrets of a function', () => {
  const sources: SecretSources = {
    parameters: { SMTP_URL: '/qm/SMTP_URL' },
    secrets: { REDIS_TOKEN: 'arn:token' },
    addresses: { REDIS_URL: 'rediss://:$REDIS_TOKEN@redis.example.org:6379' },
  };

  const load = async (t: TestContext, change: Partial<SecretSources> = {}) => {
    const stores = await startSecretStores(t, {
      parameters: { '/qm/SMTP_URL': 'smtp://mail.example.org' },
      secrets: { 'arn:token': 'a token' },
    });
    Object.assign(process.env, stores.env);
    const env: NodeJS.ProcessEnv = { SECRETS: JSON.stringify({ ...sources, ...change }) };
    await loadSecrets(env);
    return env;
  };

  test('come into its environment decrypted, in addresses too', async (t) => {
    const env = await load(t);
    assert.equal(env.SMTP_URL, 'smtp://mail.example.org');
    assert.equal(env.REDIS_URL, 'rediss://:a%20token@redis.example.org:6379');
  });

  test('stop the function by their names when they are missing', async (t) => {
    const missing = { TOKEN_KEYS: '/qm/TOKEN_KEYS' };
    await assert.rejects(load(t, { parameters: missing }), /\/qm\/TOKEN_KEYS are missing/);
    await assert.rejects(
      load(t, { secrets: { REDIS_TOKEN: 'arn:gone' } }),
      /GetSecretValue .* 400/,
    );
  });
});
