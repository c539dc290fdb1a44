import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { after, before, suite, test } from 'node:test';
import { loadSecrets, type SecretSources } from './load-secrets.ts';

suite('the secrets of a function', () => {
  const parameters: Record<string, string> = { '/qm/SMTP_URL': 'smtp://mail.example.org' };
  /** Plays Parameter Store and Secrets Manager. */
  const server = createServer(async (request, response) => {
    const input = (await json(request)) as { Names?: string[]; SecretId?: string };
    const known = (name: string) => name in parameters;
    response.end(
      JSON.stringify(
        request.headers['x-amz-target'] === 'AmazonSSM.GetParameters'
          ? {
              Parameters: input.Names?.filter(known).map((Name) => ({
                Name,
                Value: parameters[Name],
              })),
              InvalidParameters: input.Names?.filter((name) => !known(name)),
            }
          : { SecretString: `value of ${input.SecretId}` },
      ),
    );
  });
  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    Object.assign(process.env, {
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'id',
      AWS_SECRET_ACCESS_KEY: 'key',
      AWS_ENDPOINT_URL_SSM: url,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: url,
    });
  });
  after(() => {
    server.close();
    server.closeAllConnections();
  });

  const sources: SecretSources = {
    parameters: { SMTP_URL: '/qm/SMTP_URL' },
    secrets: { REDIS_TOKEN: 'the token' },
    addresses: { REDIS_URL: 'rediss://:$REDIS_TOKEN@redis.example.org:6379' },
  };

  test('come into its environment, in addresses too', async () => {
    const env: NodeJS.ProcessEnv = { SECRETS: JSON.stringify(sources) };
    await loadSecrets(env);
    assert.equal(env.SMTP_URL, 'smtp://mail.example.org');
    assert.equal(env.REDIS_URL, 'rediss://:value%20of%20the%20token@redis.example.org:6379');
  });

  test('stop the function by their names when they are missing', async () => {
    const missing = { ...sources, parameters: { TOKEN_KEYS: '/qm/TOKEN_KEYS' } };
    await assert.rejects(
      loadSecrets({ SECRETS: JSON.stringify(missing) }),
      /\/qm\/TOKEN_KEYS are missing/,
    );
  });
});
