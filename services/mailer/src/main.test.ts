import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createPublisher } from '@queue-manager/events/publish';
import { testCredential, until as untilOrDeadline } from '@queue-manager/service-kit/testing';
import {
  mailRequested,
  mailsTo,
  mailTo,
  startMailStores,
  uniqueAddress,
  verifyAccount,
} from './testing.ts';

/** Generous, since a process starts slowly on a busy machine. */
const until = <T>(what: string, condition: () => T | Promise<T>) =>
  untilOrDeadline(what, condition, 60_000);

function run(test: TestContext, env: Record<string, string>) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    env: {
      ...process.env,
      HOST: '127.0.0.1',
      PORT: '0',
      LOG_LEVEL: 'trace',
      INTERNAL_CREDENTIAL: testCredential,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  test.after(() => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  return { child, output: () => output };
}

describe('mailer process', { concurrency: true }, () => {
  it('creates its queues, sends, logs no address or name, and stops on SIGTERM', async (test) => {
    const { broker, smtpProxy } = await startMailStores(test);
    const [ana, nobody] = [uniqueAddress('ana'), uniqueAddress('nobody')];
    const name = 'Anabela-Fonseca';
    smtpProxy.reply(nobody, `550 5.1.1 <${nobody}> is unknown here`);
    const { child, output } = run(test, {
      SQS_PREFIX: broker.prefix,
      PROVISION: 'true',
      SMTP_URL: smtpProxy.url,
      MAIL_FROM: 'Zé <ze@venue.example>',
    });
    await createPublisher(broker).publish([
      mailRequested(nobody, { ...verifyAccount, name }),
      mailRequested(ana, { ...verifyAccount, name }),
    ]);
    const mail = await mailTo(ana);
    assert.deepEqual(mail.from, [{ address: 'ze@venue.example', name: 'Zé' }]);
    const address = await until('the mailer listens', () => {
      return /listening at (http:[^"]+)"/.exec(output())?.[1];
    });
    assert.equal((await fetch(`${address}/readyz`)).status, 200);
    await until('the other was refused', () => output().includes('the address is unknown here'));
    child.kill('SIGTERM');
    const [code] = await once(child, 'close');
    assert.equal(code, 0);
    assert.match(output(), /"msg":"mail sent"/);
    for (const secret of [ana, nobody, name, 'AbC-123_xyz'])
      assert.ok(!output().includes(secret), `${secret} in ${output()}`);
  });

  it('sends a mail again when it was killed before recording it', async (test) => {
    const { broker, smtpProxy } = await startMailStores(test);
    const env = { SQS_PREFIX: broker.prefix, SMTP_URL: smtpProxy.url };
    const publisher = createPublisher(broker);
    const to = uniqueAddress('ana');
    const event = mailRequested(to, verifyAccount);
    const isTaken = smtpProxy.holdAcceptance();
    const { child } = run(test, env);
    await publisher.publish([event]);
    await isTaken;
    child.kill('SIGKILL');
    await once(child, 'close');
    smtpProxy.goUp();
    assert.equal((await mailsTo(to)).length, 1);
    run(test, env);
    // SQS delivers it again, too, but later.
    await publisher.publish([event]);
    await until('all is done', async () => (await broker.count('mails')) === 0);
    const { id } = event;
    assert.deepEqual(
      (await mailsTo(to)).map(({ headers }) => headers['message-id']),
      Array(2).fill(`<${id}@queue-manager.dev>`),
    );
  });

  it('exits with one line that names every invalid setting', async (test) => {
    const { child, output } = run(test, {
      SMTP_URL: 'http://127.0.0.1',
      OPERATOR_EMAIL: 'operator',
      MAIL_RETRY_DELAYS_SECONDS: '0',
      MAIL_FROM: 'Queue Manager',
      INTERNAL_CREDENTIAL: '',
    });
    const [code] = await once(child, 'close');
    assert.equal(code, 1);
    assert.equal(output().trim().split('\n').length, 1);
    for (const setting of [
      'SMTP_URL must be',
      'MAIL_FROM must be',
      'INTERNAL_CREDENTIAL is',
      'OPERATOR_EMAIL',
      'MAIL_RETRY_DELAYS_SECONDS',
    ])
      assert.ok(output().includes(setting), output());
  });
});
