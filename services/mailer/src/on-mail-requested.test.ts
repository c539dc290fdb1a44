import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { type Event, type EventOf, makeEvent } from '@queue-manager/contracts/events';
import { createPublisher } from '@queue-manager/events/publish';
import { countReceives, testQueues } from '@queue-manager/events/testing';
import type { QueueName } from '@queue-manager/events/topology';
import { ManualClock, systemClock } from '@queue-manager/service-kit/clock';
import { newId } from '@queue-manager/service-kit/ids';
import { connectRedis } from '@queue-manager/service-kit/redis';
import { testCredential, testEnv, testLogger, until } from '@queue-manager/service-kit/testing';
import { createMailerApp } from './app.ts';
import type { MailerOptions } from './deps.ts';
import { loadTemplates } from './render-mail.ts';
import { createSmtp } from './smtp.ts';
import {
  mailRequested,
  mailsTo,
  mailTo,
  newTask,
  partyCalled,
  partyJoined,
  startRedisProxy,
  startSmtpProxy,
  uniqueAddress,
  venueInvitation,
  verifyAccount,
} from './testing.ts';

const now = new ManualClock().now().toISOString();

/** Mailers on their own queues, whose SMTP server and Redis can go down. */
async function setUp(
  test: TestContext,
  options: Partial<MailerOptions> & { mailers?: number } = {},
) {
  const { mailers = 1, ...overrides } = options;
  const broker = await testQueues();
  // Before any consumer starts, since a receive in flight is not counted.
  const receives = countReceives(broker.sqs);
  const smtpProxy = await startSmtpProxy();
  const redisProxy = await startRedisProxy();
  const clock = new ManualClock();
  clock.set(now);
  const connect = (url: string) =>
    connectRedis({ url, isCluster: false, commandTimeoutMs: 1_000, logger: testLogger });
  const renderMail = await loadTemplates();
  const apps = Array.from({ length: mailers }, () =>
    createMailerApp({
      logger: testLogger,
      clock,
      internalCredential: testCredential,
      redis: connect(redisProxy.url),
      sqs: broker.sqs,
      sqsPrefix: broker.prefix,
      smtp: createSmtp({
        url: smtpProxy.url,
        from: { name: 'Queue Manager', address: 'no-reply@queue-manager.dev' },
        clock,
      }),
      renderMail,
      mailsPerRecipientPerHour: 20,
      retryDelaysSeconds: [1, 1],
      operator: undefined,
      ...overrides,
    }),
  );
  const [app] = apps;
  assert.ok(app);
  const redis = connect(testEnv('REDIS_URL'));
  await until('Redis is connected', () => redis.status === 'ready');
  await Promise.all(apps.map((one) => one.ready()));
  for (const one of apps)
    await until('it is ready', async () => (await one.inject('/readyz')).statusCode === 200);
  test.after(async () => {
    smtpProxy.goUp();
    redis.disconnect();
    await Promise.all(apps.map((one) => one.close()));
    await smtpProxy.close();
    await redisProxy.close();
    await broker.drop();
  });
  const publisher = createPublisher(broker);
  const results: EventOf<'task.finished'>[] = [];
  return {
    app,
    broker,
    clock,
    smtpProxy,
    receives,
    redis,
    redisProxy,
    async publish(...events: Event[]) {
      assert.equal((await publisher.publish(events)).failed.size, 0);
    },
    drained: (queue: QueueName = 'mails') =>
      until(`nothing is left in ${queue}`, async () => (await broker.count(queue)) === 0),
    deadLetters: (count: number, queue: QueueName = 'mails') => {
      const letters: { event: unknown; error: string | undefined; receives: string | undefined }[] =
        [];
      return until(`there are ${count} dead letters`, async () => {
        for (const { Body, MessageAttributes } of await broker.deadLetters(queue)) {
          letters.push({
            event: JSON.parse(Body ?? ''),
            error: MessageAttributes?.error?.StringValue,
            receives: MessageAttributes?.receives?.StringValue,
          });
        }
        return letters.length >= count ? letters : undefined;
      });
    },
    /** The reports of tasks so far, once there are this many. */
    results: (count: number) =>
      until(`there are ${count} results`, async () => {
        for (const { Body } of await broker.receive('task-results'))
          results.push(JSON.parse(Body ?? ''));
        return results.length >= count ? results.map(({ data }) => data) : undefined;
      }),
  };
}

describe('onMailRequested', { concurrency: true }, () => {
  it('sends the mail to its recipient only, in the language of the locale', async (test) => {
    const { publish } = await setUp(test);
    const [anas, joaos] = [uniqueAddress('ana'), uniqueAddress('joao')];
    const events = [
      mailRequested(anas, partyCalled, 'en-GB'),
      mailRequested(joaos, { ...verifyAccount, name: 'João' }, 'pt-PT'),
    ] as const;
    await publish(...events);
    const [english, portuguese] = [await mailTo(anas), await mailTo(joaos)];
    assert.equal(english.subject, "It's your turn: number 42 at Café Zé");
    assert.match(english.html, />\s*42\s*</);
    assert.equal(portuguese.subject, 'Confirme o seu endereço de e-mail');
    assert.match(portuguese.text, /^Olá João,$/m);
    assert.match(portuguese.html, /Olá João,/);
    assert.match(portuguese.text, /\?token=AbC-123_xyz$/m);
    assert.deepEqual(english.from, [
      { address: 'no-reply@queue-manager.dev', name: 'Queue Manager' },
    ]);
    assert.deepEqual(
      english.envelope.to.map(({ address }) => address),
      [anas],
    );
    assert.equal(english.headers['message-id'], `<${events[0].id}@queue-manager.dev>`);
    assert.equal(english.headers['x-event-id'], events[0].id);
    assert.equal(new Date(english.headers.date ?? '').toISOString(), now);
  });

  it('offers to unsubscribe with one click (RFC 8058) in mails to guests only', async (test) => {
    const { publish } = await setUp(test);
    const [guest, user] = [uniqueAddress('ana'), uniqueAddress('joao')];
    // As long as a real one: the header must not be folded inside of the link.
    const unsubscribeLink = `https://queue.example/v1/unsubscribe/${'x'.repeat(108)}`;
    await publish(
      mailRequested(guest, { ...partyCalled, unsubscribeLink }),
      mailRequested(user, verifyAccount),
    );
    const { headers, text, html } = await mailTo(guest);
    assert.equal(headers['list-unsubscribe'], `<${unsubscribeLink}>`);
    assert.equal(headers['list-unsubscribe-post'], 'List-Unsubscribe=One-Click');
    assert.ok(text.includes(`Stop e-mails from Café Zé:\n${unsubscribeLink}\n`), text);
    assert.ok(html.includes(`href="${unsubscribeLink}"`));
    assert.equal((await mailTo(user)).headers['list-unsubscribe'], undefined);
  });

  it('prevents a name from injecting headers or HTML', async (test) => {
    const { publish } = await setUp(test);
    const [to, victim] = [uniqueAddress('ana'), uniqueAddress('victim')];
    const name = `<script>alert(1)</script>\r\nBcc: ${victim}\r\n\r\nHello`;
    await publish(
      mailRequested(to, { ...partyCalled, name, venueName: name, queueName: name }, 'en'),
    );
    const mail = await mailTo(to);
    assert.match(mail.subject, /number 42 at <script>alert\(1\)<\/script> Bcc: /);
    assert.equal(mail.headers.bcc, undefined);
    assert.deepEqual(
      mail.envelope.to.map(({ address }) => address),
      [to],
    );
    assert.doesNotMatch(mail.html, /<script/);
    assert.match(mail.html, /&lt;script&gt;/);
    assert.deepEqual(await mailsTo(victim), []);
  });

  it('sends one mail when an event is delivered twice', async (test) => {
    const { publish, drained, smtpProxy } = await setUp(test);
    const to = uniqueAddress('ana');
    const event = mailRequested(to, verifyAccount);
    const other = mailRequested(to, verifyAccount);
    await publish(event, other, event, event);
    await drained();
    await publish(event);
    await drained();
    assert.equal(smtpProxy.attempts(to), 2);
    const mails = await mailsTo(to);
    assert.deepEqual(
      mails.map(({ headers }) => headers['x-event-id']).sort(),
      [event.id, other.id].sort(),
    );
  });

  it('fails a permanently rejected mail at once with the reason, without blocking others', async (test) => {
    const { publish, deadLetters, drained, smtpProxy, results } = await setUp(test);
    const [nobody, ana] = [uniqueAddress('nobody'), uniqueAddress('ana')];
    const local = nobody.slice(0, nobody.indexOf('@'));
    smtpProxy.reply(
      nobody,
      `550-5.1.1 <${nobody}> is unknown,\r\n550 5.1.1 and so are ${local.toUpperCase()} and old.${nobody}`,
    );
    const [task, other] = [newTask(), newTask()];
    const refused = mailRequested(nobody, partyCalled, 'en', task);
    await publish(refused, mailRequested(ana, partyCalled, 'en', other));
    await mailTo(ana);
    const words =
      '550-5.1.1 the address is unknown, 550 5.1.1 and so are the address and the address';
    assert.deepEqual(await deadLetters(1), [{ event: refused, error: words, receives: '1' }]);
    const told = await results(2);
    assert.deepEqual(
      told.find(({ outcome }) => outcome === 'failed'),
      { task, outcome: 'failed', error: words },
    );
    assert.deepEqual(
      told.find(({ outcome }) => outcome === 'done'),
      { task: other, outcome: 'done', error: null },
    );
    assert.equal(smtpProxy.attempts(nobody), 1);
    await drained();
    assert.deepEqual(await mailsTo(nobody), []);
  });

  it('sends to any valid address, and shows none of them', async (test) => {
    const { publish, deadLetters, smtpProxy } = await setUp(test);
    const plain = uniqueAddress('ana').toLowerCase();
    for (const local of ["o'brien", 'x!y', 'ana/bar', 'ana&rui', '#$%*=?^`{|}~']) {
      const to = `${local}-${plain}`;
      await publish(mailRequested(to, partyCalled));
      assert.equal((await mailTo(to)).to[0]?.address, to);
    }
    const refused = `a=b'c-${plain}`;
    smtpProxy.reply(refused, `550 5.1.1 <${refused}> is unknown`);
    await publish(mailRequested(refused, partyCalled));
    const [dead] = await deadLetters(1);
    assert.equal(dead?.error, '550 5.1.1 the address is unknown');
  });

  it('sends a redriven dead letter once the server accepts it', async (test) => {
    const { publish, deadLetters, smtpProxy, results } = await setUp(test);
    const to = uniqueAddress('ana');
    const task = newTask();
    smtpProxy.reply(to, '550 no', 1);
    const event = mailRequested(to, partyCalled, 'en', task);
    await publish(event);
    await deadLetters(1);
    await publish(event);
    await mailTo(to);
    assert.deepEqual(
      (await results(2)).map(({ outcome }) => outcome),
      ['failed', 'done'],
    );
  });

  it('retries a deferred mail and sends it once', async (test) => {
    const { publish, drained, broker, smtpProxy, results } = await setUp(test);
    const to = uniqueAddress('ana');
    smtpProxy.reply(to, '450 4.2.0 Greylisted, come back later', 2);
    const task = newTask();
    await publish(mailRequested(to, partyCalled, 'en', task));
    await mailTo(to);
    await drained();
    assert.equal((await mailsTo(to)).length, 1);
    assert.equal(smtpProxy.attempts(to), 3);
    assert.deepEqual(await results(1), [{ task, outcome: 'done', error: null }]);
    assert.deepEqual(await broker.deadLetters('mails'), []);
  });

  it('fails a mail after three deferrals, with the server’s reply', async (test) => {
    const { publish, deadLetters, smtpProxy, results } = await setUp(test);
    const to = uniqueAddress('ana');
    smtpProxy.reply(to, `451 4.3.0 <${to}>: try later`);
    const task = newTask();
    await publish(mailRequested(to, partyCalled, 'en', task));
    const error = '451 4.3.0 the address: try later';
    assert.deepEqual(await results(1), [{ task, outcome: 'failed', error }]);
    const [letter] = await deadLetters(1);
    assert.deepEqual([letter?.error, letter?.receives], [error, '3']);
    assert.equal(smtpProxy.attempts(to), 3);
  });

  it('sends one mail when two mailers have its message', async (test) => {
    const { publish, drained, receives, smtpProxy, results } = await setUp(test, { mailers: 2 });
    const to = uniqueAddress('ana');
    const event = mailRequested(to, partyCalled, 'en', newTask());
    void smtpProxy.holdAcceptance();
    await publish(event, event, event, event);
    await until('all are being worked on', () => receives.size === 4);
    smtpProxy.goUp();
    await drained();
    assert.equal(smtpProxy.attempts(to), 1);
    assert.equal((await mailsTo(to)).length, 1);
    assert.deepEqual([...receives.values()], [1, 1, 1, 1], 'waiting is no failure');
    assert.deepEqual(
      (await results(4)).map(({ outcome }) => outcome),
      ['done', 'done', 'done', 'done'],
    );
  });

  it('takes over from a mailer that died while sending', async (test) => {
    const { publish, redis, drained } = await setUp(test);
    const to = uniqueAddress('ana');
    const event = mailRequested(to, verifyAccount);
    await redis.set(`mail:{${event.id}}`, 'sending by one that died', 'PX', 1_500);
    await publish(event);
    assert.equal((await mailTo(to)).headers['x-event-id'], event.id);
    await drained();
    assert.equal((await mailsTo(to)).length, 1);
    assert.equal(await redis.get(`mail:{${event.id}}`), 'sent');
    const days = (await redis.pttl(`mail:{${event.id}}`)) / (24 * 60 * 60 * 1_000);
    assert.ok(days > 13.9 && days <= 14, `remembered for ${days} days`);
  });

  it('sends the mail again with the same Message-ID when the server’s reply was lost', async (test) => {
    const { publish, drained, smtpProxy } = await setUp(test);
    const to = uniqueAddress('ana');
    smtpProxy.dropAcceptance();
    const event = mailRequested(to, verifyAccount);
    await publish(event);
    await drained();
    assert.deepEqual(
      (await mailsTo(to)).map(({ headers }) => headers['message-id']),
      Array(2).fill(`<${event.id}@queue-manager.dev>`),
    );
  });

  it('does not send a mail again that it could not record for a while', async (test) => {
    const { publish, drained, broker, smtpProxy, redis, redisProxy, results } = await setUp(test);
    const to = uniqueAddress('ana');
    const event = mailRequested(to, partyCalled, 'en', newTask());
    const isTaken = smtpProxy.holdAcceptance();
    await publish(event);
    await isTaken;
    redisProxy.goDown();
    smtpProxy.goUp();
    await mailTo(to);
    redisProxy.goUp();
    await drained();
    assert.equal(smtpProxy.attempts(to), 1);
    assert.equal(await redis.get(`mail:{${event.id}}`), 'sent');
    assert.equal((await results(1)).length, 1);
    assert.deepEqual(await broker.deadLetters('mails'), []);
  });

  it('regards reply 421 as an outage, not a rejection', async (test) => {
    const { publish, drained, smtpProxy, receives } = await setUp(test);
    const to = uniqueAddress('ana');
    smtpProxy.reply(to, '421 4.3.2 shutting down', 2);
    await publish(mailRequested(to, verifyAccount));
    await mailTo(to);
    await drained();
    assert.equal((await mailsTo(to)).length, 1);
    assert.equal(smtpProxy.attempts(to), 3);
    assert.deepEqual([...receives.values()], [1]);
  });

  it('waits while Redis is unavailable, is not ready, and loses nothing', async (test) => {
    const { app, publish, drained, broker, redisProxy } = await setUp(test);
    const to = uniqueAddress('ana');
    redisProxy.goDown();
    await publish(mailRequested(to, verifyAccount));
    const answer = await app.inject('/readyz');
    assert.equal(answer.statusCode, 503);
    assert.match(answer.json().detail, /redis/);
    assert.equal(await broker.count('mails'), 1);
    redisProxy.goUp();
    await mailTo(to);
    await drained();
    assert.equal((await mailsTo(to)).length, 1);
  });

  it('skips a mail once a newer one to the same party was sent, and sends all others', async (test) => {
    const { publish, drained, broker, smtpProxy, results } = await setUp(test);
    const to = uniqueAddress('ana');
    const partyId = newId(systemClock);
    const [late, called, repeated] = [newTask(), newTask(), newTask()];
    smtpProxy.reply(to, '450 4.2.0 Greylisted, come back later', 1);
    const joined = mailRequested(to, partyJoined, 'en', late, { order: { partyId, seq: 7 } });
    await publish(joined);
    await until('it is deferred', () => smtpProxy.attempts(to) === 1);
    const newer = mailRequested(to, partyCalled, 'en', called, { order: { partyId, seq: 8 } });
    await publish(newer);
    const error = 'a newer mail to this guest was sent before';
    const reported = await results(2);
    assert.deepEqual(
      reported.find(({ task }) => task.taskId === called.taskId),
      { task: called, outcome: 'done', error: null },
    );
    assert.deepEqual(
      reported.find(({ task }) => task.taskId === late.taskId),
      { task: late, outcome: 'skipped', error },
    );
    // Of the same change, of another party, asked for again by a manager, and delivered twice.
    await publish(
      mailRequested(to, partyCalled, 'en', undefined, { order: { partyId, seq: 8 } }),
      mailRequested(to, partyJoined, 'en', undefined, {
        order: { partyId: newId(systemClock), seq: 1 },
      }),
      mailRequested(to, partyJoined, 'en', repeated),
      newer,
    );
    assert.deepEqual(
      (await results(4)).slice(2).map(({ outcome }) => outcome),
      ['done', 'done'],
    );
    await drained();
    assert.equal((await mailsTo(to)).length, 4);
    assert.deepEqual(await broker.deadLetters('mails'), []);
  });

  it('sends the mails to a party one at a time', async (test) => {
    const { publish, drained, redis, smtpProxy } = await setUp(test, { mailers: 2 });
    const [to, other] = [uniqueAddress('ana'), uniqueAddress('joao')];
    const partyId = newId(systemClock);
    const isTaken = smtpProxy.holdAcceptance();
    await publish(mailRequested(to, partyJoined, 'en', undefined, { order: { partyId, seq: 1 } }));
    await isTaken;
    const called = mailRequested(to, partyCalled, 'en', undefined, { order: { partyId, seq: 2 } });
    await publish(called);
    await until('it is received', () => redis.exists(`mail:{${called.id}}`));
    await publish(mailRequested(other, partyCalled));
    await until('another party’s mail is sent', () => smtpProxy.attempts(other) === 1);
    assert.equal(smtpProxy.attempts(to), 1);
    smtpProxy.goUp();
    await drained();
    assert.deepEqual(
      (await mailsTo(to)).map(({ subject }) => subject.slice(0, 9)),
      ["You're in", "It's your"],
    );
  });

  it('sends no older mail after a crash, and the newer one when it is delivered again', async (test) => {
    const { publish, drained, redis } = await setUp(test);
    const to = uniqueAddress('ana');
    const partyId = newId(systemClock);
    // As a mailer left it that died before the server's reply.
    await redis.set(`mails-of:{${partyId}}`, '8', 'PX', 60_000);
    await redis.set(`mails-of:{${partyId}}:lease`, 'one that died', 'PX', 1_500);
    await publish(
      mailRequested(to, partyJoined, 'en', undefined, { order: { partyId, seq: 7 } }),
      mailRequested(to, partyCalled, 'en', undefined, { order: { partyId, seq: 8 } }),
    );
    await drained();
    assert.deepEqual(
      (await mailsTo(to)).map(({ subject }) => subject.slice(0, 9)),
      ["It's your"],
    );
    const days = (await redis.pttl(`mails-of:{${partyId}}`)) / (24 * 60 * 60 * 1_000);
    assert.ok(days > 13.9 && days <= 14, `kept for ${days} days`);
    assert.equal(await redis.exists(`mails-of:{${partyId}}:lease`), 0);
  });

  it('limits how many people a new sender mails a day', async (test) => {
    const { publish, clock, drained, broker, results } = await setUp(test);
    const newSender = { id: newId(systemClock), recipientsOfDayMax: 2 };
    const [ana, bea, cid, dia] = ['ana', 'bea', 'cid', 'dia'].map(uniqueAddress) as [
      string,
      string,
      string,
      string,
    ];
    const task = newTask();
    const from = (to: string, sender = newSender) =>
      mailRequested(to, partyCalled, 'en', undefined, { newSender: sender });
    await publish(from(ana), from(ana.replace('@', '+1@')));
    await drained();
    clock.advance(60);
    await publish(from(bea));
    await drained();
    await publish(
      mailRequested(cid, partyCalled, 'en', task, { newSender }),
      from(ana),
      from(dia, { ...newSender, id: newId(systemClock) }),
    );
    const error = 'a new venue can mail up to 2 people in 24 hours';
    assert.deepEqual(await results(1), [{ task, outcome: 'skipped', error }]);
    await drained();
    clock.advance(24 * 60 * 60 - 60);
    await publish(from(cid));
    await drained();
    const counts = [ana, ana.replace('@', '+1@'), bea, cid, dia].map(mailsTo);
    assert.deepEqual(
      (await Promise.all(counts)).map(({ length }) => length),
      [2, 1, 1, 1, 1],
    );
    assert.deepEqual(await broker.deadLetters('mails'), []);
  });

  it('limits the mails to an address per hour', async (test) => {
    const { publish, clock, broker, drained, smtpProxy, redis, results } = await setUp(test, {
      mailsPerRecipientPerHour: 2,
    });
    const to = uniqueAddress('ana');
    const first = mailRequested(to, partyCalled);
    await publish(first);
    await drained();
    await publish(first);
    await drained();
    clock.advance(1_800);
    await publish(mailRequested(to.toUpperCase().replace('@', '+bar@'), partyCalled));
    await drained();
    const task = newTask();
    const third = mailRequested(to, partyCalled, 'en', task);
    await publish(third, mailRequested(uniqueAddress('joao'), partyCalled));
    const error = 'too many mails to this address this hour';
    assert.deepEqual(await results(1), [{ task, outcome: 'skipped', error }]);
    await drained();
    assert.equal(smtpProxy.attempts(to), 1);
    clock.advance(1_801);
    await publish(third);
    assert.deepEqual((await results(2))[1], { task, outcome: 'done', error: null });
    await drained();
    // Account mails have no task that could tell; they are limited, too.
    await publish(...Array.from({ length: 3 }, () => mailRequested(to, verifyAccount)));
    await drained();
    assert.equal(smtpProxy.attempts(to), 4);
    await publish(mailRequested(to, partyCalled));
    await drained();
    // A limit is nobody's alarm.
    assert.deepEqual(await broker.deadLetters('mails'), []);
    // Mails that strangers cause must not block account mails.
    await publish(mailRequested(to, venueInvitation));
    await drained();
    assert.equal(smtpProxy.attempts(to), 5);
    assert.deepEqual(await redis.keys(`*${to.slice(0, to.indexOf('@'))}*`), []);
  });

  it('waits while the SMTP server is unavailable, is not ready, and loses nothing', async (test) => {
    const { app, publish, drained, broker, smtpProxy, receives } = await setUp(test);
    const addresses = Array.from({ length: 12 }, () => uniqueAddress('ana'));
    smtpProxy.goDown();
    await publish(...addresses.map((to) => mailRequested(to, verifyAccount)));
    const answer = await app.inject('/readyz');
    assert.equal(answer.statusCode, 503);
    assert.match(answer.json().detail, /smtp/);
    assert.equal(await broker.count('mails'), addresses.length);
    smtpProxy.goUp();
    for (const to of addresses) await mailTo(to);
    await drained();
    for (const to of addresses) assert.equal((await mailsTo(to)).length, 1);
    assert.deepEqual([...receives.values()], Array(addresses.length).fill(1));
    assert.equal((await app.inject('/readyz')).statusCode, 200);
  });
});

describe('onAlertRaised', { concurrency: true }, () => {
  const alertRaised = () =>
    makeEvent({
      id: newId(systemClock),
      source: '/queue',
      type: 'alert.raised',
      subject: 'mails',
      time: now,
      data: {
        queue: 'mails',
        count: 2,
        firstError: '550 5.1.1 the address is unknown',
        messageIds: ['a-message', 'another'],
      },
    });

  it('mails the operator once, in the configured language, without a limit', async (test) => {
    const address = uniqueAddress('operator');
    const { broker, drained } = await setUp(test, {
      operator: { address, locale: 'pt' },
      mailsPerRecipientPerHour: 1,
    });
    const alerts = [alertRaised(), alertRaised(), alertRaised()];
    for (const alert of [...alerts, ...alerts])
      await broker.send('alert-mails', JSON.stringify(alert));
    await drained('alert-mails');
    const mails = await mailsTo(address);
    assert.equal(mails.length, 3);
    assert.equal(mails[0]?.subject, 'Alerta: 2 mensagens por tratar em mails');
    assert.match(mails[0]?.text ?? '', /550 5\.1\.1 the address is unknown/);
  });

  it('only logs the alert without an operator', async (test) => {
    const { broker, drained } = await setUp(test);
    await broker.send('alert-mails', JSON.stringify(alertRaised()));
    await drained('alert-mails');
    assert.deepEqual(await broker.deadLetters('alert-mails'), []);
  });

  it('makes an alert that cannot be mailed a dead letter, without reporting a task', async (test) => {
    const address = uniqueAddress('operator');
    const { broker, deadLetters, smtpProxy } = await setUp(test, {
      operator: { address, locale: 'en' },
    });
    smtpProxy.reply(address, '550 5.1.1 nobody here');
    const alert = alertRaised();
    await broker.send('alert-mails', JSON.stringify(alert));
    assert.deepEqual(await deadLetters(1, 'alert-mails'), [
      { event: alert, error: '550 5.1.1 nobody here', receives: '1' },
    ]);
    assert.equal(await broker.count('task-results'), 0);
  });
});
