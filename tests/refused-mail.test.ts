import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Client, createClient } from '@queue-manager/client/client';
import { addParty, getParty, type Party } from '@queue-manager/contracts/parties';
import { createQueue, type Queue } from '@queue-manager/contracts/queues';
import { listTasks, retryTask, type Task } from '@queue-manager/contracts/tasks';
import { createVenue, type Venue } from '@queue-manager/contracts/venues';
import { createSqsClient } from '@queue-manager/events/client';
import { createDeadLetters } from '@queue-manager/events/dead-letters';
import { queueNames } from '@queue-manager/events/topology';
import { mailsTo } from '@queue-manager/local-stack/inbox';
import { type System, startSystem } from '@queue-manager/local-stack/system/system';
import { type SmtpProxy, startSmtpProxy } from '@queue-manager/mailer/testing';
import { freshDatabase, testEnv, uniqueName, until } from '@queue-manager/service-kit/testing';
import { openAccount, randomEmail } from './support/accounts.ts';
import { dropTables } from './support/stores.ts';

/*
 * Uses its own system on the shared stores, with its own prefixes. Its SMTP server refuses mails, and its operator must
 * get exactly one alert.
 */
describe('a mail that the SMTP server refuses permanently', () => {
  const mailUrl = testEnv('MAIL_URL');
  const prefix = `${uniqueName('refused')}-`;
  const operator = randomEmail();
  const sqs = createSqsClient();
  const deadLetters = createDeadLetters({ sqs, prefix });
  let dataDir: string;
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  let smtpProxy: SmtpProxy;
  let system: System;
  let token: string;
  let venue: Venue;
  let queue: Queue;

  const succeed: Client['succeed'] = (contract, options) =>
    createClient(system.gatewayUrl).succeed(contract, options);
  const tasks = async (state: Task['state']) =>
    (await succeed(listTasks, { token, params: { venueId: venue.id }, query: { state } })).data;
  const notificationsOf = async ({ id }: Party) =>
    (await succeed(getParty, { token, params: { partyId: id } })).notifications.map(
      ({ channel, kind, state }) => ({ channel, kind, state }),
    );
  const mailTo = (address: string) =>
    until(`a mail came to ${address}`, async () => (await mailsTo(mailUrl, address))[0]);

  before(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'queue-manager-refused-'));
    database = await freshDatabase();
    smtpProxy = await startSmtpProxy();
    system = await startSystem({
      dataDir,
      env: {
        ...process.env,
        MYSQL_URL: database.url,
        SMTP_URL: smtpProxy.url,
        SQS_PREFIX: prefix,
        DYNAMODB_PREFIX: prefix,
        OPERATOR_EMAIL: operator,
      },
    });
    token = (await openAccount({}, { succeed, mailUrl })).token;
    venue = await succeed(createVenue, {
      token,
      body: { name: 'The Blue Door', timezone: 'Europe/Lisbon' },
    });
    queue = await succeed(createQueue, {
      token,
      params: { venueId: venue.id },
      body: { name: 'Tables' },
    });
  });

  after(async () => {
    await system?.stop();
    await smtpProxy?.close();
    await database?.drop();
    await dropTables(prefix);
    sqs.destroy();
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  });

  it('fails its task with the error of the server, alerts the operator once, and is sent by a retry', async () => {
    const [refused, fine] = [randomEmail(), randomEmail()];
    smtpProxy.reply(refused, `550 5.1.1 <${refused}> is unknown here`);
    const params = { queueId: queue.id };
    const [unreached, reached] = [
      await succeed(addParty, { token, params, body: { name: 'Ana', email: refused } }),
      await succeed(addParty, { token, params, body: { name: 'João', email: fine } }),
    ];
    await mailTo(fine);

    await until('all that she was to be told has failed', async () => {
      const states = (await notificationsOf(unreached)).map(({ state }) => state);
      return states.length > 0 && states.every((state) => state === 'failed');
    });
    const failed = await tasks('failed');
    const task = failed.find(({ kind }) => kind === 'notify.joined');
    assert.ok(task);
    const words = '550 5.1.1 the address is unknown here';
    assert.equal(task.lastError, words);
    assert.deepEqual(new Set(failed.map(({ partyId }) => partyId)), new Set([unreached.id]));
    const joined = { channel: 'email', kind: 'notify.joined' };
    assert.deepEqual(
      (await notificationsOf(unreached)).find(({ kind }) => kind === joined.kind),
      { ...joined, state: 'failed' },
    );
    await until('the other party’s task is done', async () =>
      (await notificationsOf(reached)).some(
        ({ kind, state }) => kind === joined.kind && state === 'done',
      ),
    );
    const letters = await until('it is a dead letter', async () => {
      const found = await deadLetters.read('mails', { most: 10, hiddenSeconds: 1 });
      return found.length === failed.length ? found : undefined;
    });
    assert.deepEqual(new Set(letters.map(({ failure }) => failure?.error)), new Set([words]));

    const alert = await mailTo(operator);
    assert.match(alert.subject, /dead letters? in mails$/);
    assert.ok(alert.text.includes(words), alert.text);
    assert.ok(alert.text.includes('npm run dead-letters -- show mails'));
    assert.ok(!alert.text.includes(refused));

    smtpProxy.accept(refused);
    const attemptsBefore = smtpProxy.attempts(refused);
    assert.deepEqual(await mailsTo(mailUrl, refused), []);
    await succeed(retryTask, { token, params: { taskId: task.id } });
    const mail = await mailTo(refused);
    assert.equal(mail.subject, `You're in line: number ${unreached.number} at The Blue Door`);
    await until('its task is done', async () =>
      (await tasks('done')).some(({ id, attempts }) => id === task.id && attempts === 2),
    );
    assert.equal(smtpProxy.attempts(refused), attemptsBefore + 1);
    assert.equal((await mailsTo(mailUrl, refused)).length, 1);
    // The dead letter stays for the operator, without another alert.
    assert.equal((await mailsTo(mailUrl, operator)).length, 1);
    for (const name of queueNames) {
      assert.equal(await deadLetters.count(name), name === 'mails' ? failed.length : 0, name);
    }
  });
});
