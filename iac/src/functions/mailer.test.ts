import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { startLambda } from '@queue-manager/events/lambda-testing';
import { testCredential, testRedis } from '@queue-manager/service-kit/testing';
import { startSecretStores } from '@queue-manager/service-kit/testing/secret-stores';
import {
  mailRecord,
  mailRequested,
  mailTo,
  startMailStores,
  uniqueAddress,
  verifyAccount,
} from '../../../services/mailer/src/testing.ts';
import { repositoryRoot } from '../repository.ts';
import { services } from '../services.ts';
import type { SecretSources } from './load-secrets.ts';

it('sends mails with secrets that the bundled mailer reads when it starts', async (test) => {
  const { broker, smtpProxy } = await startMailStores(test);
  const redis = new URL(testRedis().url);
  const { env } = await startSecretStores(test, {
    parameters: {
      '/queue-manager/dev/INTERNAL_CREDENTIAL': testCredential,
      '/queue-manager/dev/SMTP_URL': smtpProxy.url,
    },
    secrets: { 'arn:host': redis.hostname },
  });
  redis.hostname = 'host';
  const sources: SecretSources = {
    parameters: {
      INTERNAL_CREDENTIAL: '/queue-manager/dev/INTERNAL_CREDENTIAL',
      SMTP_URL: '/queue-manager/dev/SMTP_URL',
    },
    secrets: { REDIS_HOST: 'arn:host' },
    addresses: { REDIS_URL: redis.href.replace('host', '$REDIS_HOST') },
  };
  const [mailer] = services.find(({ name }) => name === 'mailer')?.functions ?? [];
  assert.ok(mailer);
  const lambda = await startLambda(test, {
    entry: join(repositoryRoot, mailer.entry),
    assets: (mailer.assets ?? []).map((folder) => join(repositoryRoot, folder)),
    env: {
      ...env,
      SECRETS: JSON.stringify(sources),
      REDIS_URL: '',
      SQS_PREFIX: broker.prefix,
      LOG_LEVEL: 'silent',
    },
  });
  const to = uniqueAddress('ana');
  const body = JSON.stringify(mailRequested(to, verifyAccount));
  assert.deepEqual(await lambda.invoke(mailer.handler, { Records: [mailRecord('m', body, 1)] }), {
    batchItemFailures: [],
  });
  assert.ok(await mailTo(to));
});
