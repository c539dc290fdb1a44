import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { startLambda } from '@queue-manager/events/lambda-testing';
import { testCredential } from '@queue-manager/service-kit/testing';
import {
  mailRecord,
  mailRequested,
  mailsTo,
  mailTo,
  startMailStores,
  uniqueAddress,
  verifyAccount,
} from './testing.ts';

it('sends mails on Lambda, and reports the one that failed', async (test) => {
  const { broker, smtpProxy } = await startMailStores(test);
  const repository = join(import.meta.dirname, '../../..');
  const lambda = await startLambda(test, {
    entry: join(import.meta.dirname, 'lambda.ts'),
    assets: [
      'services/mailer/src/lua',
      'packages/service-kit/src/lua',
      'services/mailer/src/templates',
    ].map((folder) => join(repository, folder)),
    env: {
      SQS_PREFIX: broker.prefix,
      SMTP_URL: smtpProxy.url,
      INTERNAL_CREDENTIAL: testCredential,
      LOG_LEVEL: 'silent',
    },
  });
  const [ana, nobody, rui] = [uniqueAddress('ana'), uniqueAddress('nobody'), uniqueAddress('rui')];
  smtpProxy.reply(nobody, '451 4.3.0 try again later');
  const bodies = [ana, nobody, rui].map((to) => JSON.stringify(mailRequested(to, verifyAccount)));
  const batch = (receives: number) => ({
    Records: bodies.map((body, at) => mailRecord(`message-${at}`, body, receives)),
  });

  const failure = { batchItemFailures: [{ itemIdentifier: 'message-1' }] };
  assert.deepEqual(await lambda.invoke('onMails', batch(1)), failure);
  for (const to of [ana, rui]) assert.ok(await mailTo(to));

  // Again, as after a time-out of the function: nothing is sent twice. The last delivery makes a dead letter.
  assert.deepEqual(await lambda.invoke('onMails', batch(3)), { batchItemFailures: [] });
  for (const to of [ana, rui]) assert.equal((await mailsTo(to)).length, 1);
  const [letter, ...others] = await broker.deadLetters('mails');
  assert.equal(others.length, 0);
  assert.equal(letter?.Body, bodies[1]);
  assert.match(letter?.MessageAttributes?.error?.StringValue ?? '', /451 4\.3\.0 try again later/);
});
