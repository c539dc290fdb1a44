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
import type { Outside } from './deps.ts';
import { loadTemplates } from './render-mail.ts';
import { createSmtp } from './smtp.ts';
import {
  mailRequested,
  mailsTo,
  mailTo,
  newTask,
  partyCalled,
  startRedisFront,
  startSmtpFront,
  uniqueAddress,
  venueInvitation,
  verifyAccount,
} from './testing.ts';

const now = new ManualClock().now().toISOString();

/** Mailers on queues of their own, whose SMTP server and Redis can be told to go away. */
async function setUp(test: TestContext, options: Partial<Outside> & { mailers?: number } = {}) {
  const { mailers = 1, ...given } = options;
  const broker = await testQueues();
  // Before anyone receives: a receive that is under way is not counted.
  const receives = countReceives(broker.sqs);
  const front = await startSmtpFront();
  const redisFront = await startRedisFront();
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
      redis: connect(redisFront.url),
      sqs: broker.sqs,
      sqsPrefix: broker.prefix,
      smtp: createSmtp({
        url: front.url,
        from: { name: 'Queue Manager', address: 'no-reply@queue-manager.dev' },
        clock,
      }),
      renderMail,
      mailsPerRecipientPerHour: 20,
      retryDelaysSeconds: [1, 1],
      operator: undefined,
      ...given,
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
    front.comeBack();
    redis.disconnect();
    await Promise.all(apps.map((one) => one.close()));
    await front.close();
    await redisFront.close();
    await broker.drop();
  });
  const publisher = createPublisher(broker);
  const results: EventOf<'task.finished'>[] = [];
  return {
    app,
    broker,
    clock,
    front,
    receives,
    redis,
    redisFront,
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
    /** What tasks were told so far, once there is as much. */
    results: (count: number) =>
      until(`there are ${count} results`, async () => {
        for (const { Body } of await broker.receive('task-results'))
          results.push(JSON.parse(Body ?? ''));
        return results.length >= count ? results.map(({ data }) => data) : undefined;
      }),
  };
}

describe('onMailRequested', { concurrency: true }, () => {
  it('mails what was asked for, to that address alone, in its language', async (test) => {
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

  it('lets no name write a header or HTML', async (test) => {
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

  it('sends an event that is delivered again only once', async (test) => {
    const { publish, drained, front } = await setUp(test);
    const to = uniqueAddress('ana');
    const event = mailRequested(to, verifyAccount);
    const other = mailRequested(to, verifyAccount);
    await publish(event, other, event, event);
    await drained();
    await publish(event);
    await drained();
    assert.equal(front.offers(to), 2);
    const mails = await mailsTo(to);
    assert.deepEqual(
      mails.map(({ headers }) => headers['x-event-id']).sort(),
      [event.id, other.id].sort(),
    );
  });

  it('gives up at once a mail that is refused for ever, says why, and holds up no other', async (test) => {
    const { publish, deadLetters, drained, front, results } = await setUp(test);
    const [nobody, ana] = [uniqueAddress('nobody'), uniqueAddress('ana')];
    const local = nobody.slice(0, nobody.indexOf('@'));
    front.answer(
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
    assert.equal(front.offers(nobody), 1);
    await drained();
    assert.deepEqual(await mailsTo(nobody), []);
  });

  it('sends a dead letter that is put back once the server takes it', async (test) => {
    const { publish, deadLetters, front, results } = await setUp(test);
    const to = uniqueAddress('ana');
    const task = newTask();
    front.answer(to, '550 no', 1);
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

  it('tries again what is put off, and sends it once', async (test) => {
    const { publish, drained, broker, front, results } = await setUp(test);
    const to = uniqueAddress('ana');
    front.answer(to, '450 4.2.0 Greylisted, come back later', 2);
    const task = newTask();
    await publish(mailRequested(to, partyCalled, 'en', task));
    await mailTo(to);
    await drained();
    assert.equal((await mailsTo(to)).length, 1);
    assert.equal(front.offers(to), 3);
    assert.deepEqual(await results(1), [{ task, outcome: 'done', error: null }]);
    assert.deepEqual(await broker.deadLetters('mails'), []);
  });

  it('gives up what is put off three times, in the words of the server', async (test) => {
    const { publish, deadLetters, front, results } = await setUp(test);
    const to = uniqueAddress('ana');
    front.answer(to, `451 4.3.0 <${to}>: try later`);
    const task = newTask();
    await publish(mailRequested(to, partyCalled, 'en', task));
    const error = '451 4.3.0 the address: try later';
    assert.deepEqual(await results(1), [{ task, outcome: 'failed', error }]);
    const [letter] = await deadLetters(1);
    assert.deepEqual([letter?.error, letter?.receives], [error, '3']);
    assert.equal(front.offers(to), 3);
  });

  it('sends a message once that two mailers have at the same time', async (test) => {
    const { publish, drained, receives, front, results } = await setUp(test, { mailers: 2 });
    const to = uniqueAddress('ana');
    const event = mailRequested(to, partyCalled, 'en', newTask());
    void front.holdAcceptance();
    await publish(event, event, event, event);
    await until('all are being worked on', () => receives.size === 4);
    front.comeBack();
    await drained();
    assert.equal(front.offers(to), 1);
    assert.equal((await mailsTo(to)).length, 1);
    assert.deepEqual([...receives.values()], [1, 1, 1, 1], 'waiting is no failure');
    assert.deepEqual(
      (await results(4)).map(({ outcome }) => outcome),
      ['done', 'done', 'done', 'done'],
    );
  });

  it('takes over from a mailer that died while it was sending', async (test) => {
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

  it('sends again, as the same mail, when the answer that took it was lost', async (test) => {
    const { publish, drained, front } = await setUp(test);
    const to = uniqueAddress('ana');
    front.swallowAcceptance();
    const event = mailRequested(to, verifyAccount);
    await publish(event);
    await drained();
    assert.deepEqual(
      (await mailsTo(to)).map(({ headers }) => headers['message-id']),
      Array(2).fill(`<${event.id}@queue-manager.dev>`),
    );
  });

  it('does not send again what it could not write down for a while', async (test) => {
    const { publish, drained, broker, front, redis, redisFront, results } = await setUp(test);
    const to = uniqueAddress('ana');
    const event = mailRequested(to, partyCalled, 'en', newTask());
    const isTaken = front.holdAcceptance();
    await publish(event);
    await isTaken;
    redisFront.goAway();
    front.comeBack();
    await mailTo(to);
    redisFront.comeBack();
    await drained();
    assert.equal(front.offers(to), 1);
    assert.equal(await redis.get(`mail:{${event.id}}`), 'sent');
    assert.equal((await results(1)).length, 1);
    assert.deepEqual(await broker.deadLetters('mails'), []);
  });

  it('takes a server that closes the channel for one that is away, and not for a refusal', async (test) => {
    const { publish, drained, front, receives } = await setUp(test);
    const to = uniqueAddress('ana');
    front.answer(to, '421 4.3.2 shutting down', 2);
    await publish(mailRequested(to, verifyAccount));
    await mailTo(to);
    await drained();
    assert.equal((await mailsTo(to)).length, 1);
    assert.equal(front.offers(to), 3);
    assert.deepEqual([...receives.values()], [1]);
  });

  it('waits while Redis is away, says so, and loses nothing', async (test) => {
    const { app, publish, drained, broker, redisFront } = await setUp(test);
    const to = uniqueAddress('ana');
    redisFront.goAway();
    await publish(mailRequested(to, verifyAccount));
    const answer = await app.inject('/readyz');
    assert.equal(answer.statusCode, 503);
    assert.match(answer.json().detail, /redis/);
    assert.equal(await broker.count('mails'), 1);
    redisFront.comeBack();
    await mailTo(to);
    await drained();
    assert.equal((await mailsTo(to)).length, 1);
  });

  it('lets no address have more mails in an hour than are allowed', async (test) => {
    const { publish, clock, deadLetters, drained, front, redis, results } = await setUp(test, {
      mailsPerRecipientPerHour: 2,
    });
    const to = uniqueAddress('ana');
    const first = mailRequested(to, partyCalled);
    await publish(first);
    await drained();
    await publish(first);
    await drained();
    clock.advance(1_800);
    await publish(mailRequested(to.toUpperCase(), partyCalled));
    await drained();
    const task = newTask();
    const third = mailRequested(to, partyCalled, 'en', task);
    await publish(third, mailRequested(uniqueAddress('joao'), partyCalled));
    const error = 'too many mails to this address this hour';
    assert.deepEqual(await results(1), [{ task, outcome: 'failed', error }]);
    assert.deepEqual(await deadLetters(1), [{ event: third, error, receives: '1' }]);
    await drained();
    clock.advance(1_801);
    await publish(third);
    await drained();
    assert.equal(front.offers(to), 2);
    await publish(mailRequested(to, partyCalled));
    assert.equal((await deadLetters(1))[0]?.error, error);
    // What strangers do with an address keeps nobody out of their account.
    await publish(mailRequested(to, verifyAccount), mailRequested(to, venueInvitation));
    await drained();
    assert.equal(front.offers(to), 4);
    assert.deepEqual(await redis.keys(`*${to.slice(0, to.indexOf('@'))}*`), []);
  });

  it('waits while the SMTP server is away, says so, and loses nothing', async (test) => {
    const { app, publish, drained, broker, front, receives } = await setUp(test);
    const addresses = Array.from({ length: 12 }, () => uniqueAddress('ana'));
    front.goAway();
    await publish(...addresses.map((to) => mailRequested(to, verifyAccount)));
    const answer = await app.inject('/readyz');
    assert.equal(answer.statusCode, 503);
    assert.match(answer.json().detail, /smtp/);
    assert.equal(await broker.count('mails'), addresses.length);
    front.comeBack();
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

  it('mails the operator, once, in the language that was chosen, without a limit', async (test) => {
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

  it('is content with the log where nobody is to be mailed', async (test) => {
    const { broker, drained } = await setUp(test);
    await broker.send('alert-mails', JSON.stringify(alertRaised()));
    await drained('alert-mails');
    assert.deepEqual(await broker.deadLetters('alert-mails'), []);
  });

  it('makes an alert that cannot be mailed a dead letter, and that is all', async (test) => {
    const address = uniqueAddress('operator');
    const { broker, deadLetters, front } = await setUp(test, {
      operator: { address, locale: 'en' },
    });
    front.answer(address, '550 5.1.1 nobody here');
    const alert = alertRaised();
    await broker.send('alert-mails', JSON.stringify(alert));
    assert.deepEqual(await deadLetters(1, 'alert-mails'), [
      { event: alert, error: '550 5.1.1 nobody here', receives: '1' },
    ]);
    assert.equal(await broker.count('task-results'), 0);
  });
});
