import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { EventOf } from '@queue-manager/contracts/events';
import { createPublisher } from '@queue-manager/events/publish';
import { countReceives, testQueues } from '@queue-manager/events/testing';
import { ManualClock } from '@queue-manager/service-kit/clock';
import { testCredential, testLogger, until } from '@queue-manager/service-kit/testing';
import { createMailerApp } from './app.ts';
import { onMailRequested } from './on-mail-requested.ts';
import { loadTemplates } from './render-mail.ts';
import { createSmtp } from './smtp.ts';
import {
  mailRequested,
  mailsTo,
  mailTo,
  partyCalled,
  startSmtpFront,
  uniqueAddress,
  verifyAccount,
} from './testing.ts';

const now = '2026-03-07T20:00:00.000Z';

/** A mailer on queues of its own, whose SMTP server can be told to refuse or to go away. */
async function setUp(test: TestContext) {
  const broker = await testQueues();
  const front = await startSmtpFront();
  const deps = {
    logger: testLogger,
    internalCredential: testCredential,
    sqs: broker.sqs,
    sqsPrefix: broker.prefix,
    smtp: createSmtp({
      url: front.url,
      from: { name: 'Queue Manager', address: 'no-reply@queue-manager.dev' },
      clock: new ManualClock(now),
    }),
    renderMail: await loadTemplates(),
  };
  const app = createMailerApp(deps);
  await app.ready();
  test.after(async () => {
    await app.close();
    await front.close();
    await broker.drop();
  });
  const publisher = createPublisher(broker);
  return {
    app,
    broker,
    deps,
    front,
    async publish(...events: EventOf<'mail.requested'>[]) {
      assert.equal((await publisher.publish(events)).failed.size, 0);
    },
    drained: () =>
      until('no mail is left', async () => (await broker.count('mails')) === 0, 60_000),
    deadLetters: (count: number) => {
      const letters: unknown[] = [];
      return until(
        `there are ${count} dead letters`,
        async () => {
          for (const { Body } of await broker.deadLetters('mails'))
            letters.push(JSON.parse(Body ?? ''));
          return letters.length >= count ? letters : undefined;
        },
        60_000,
      );
    },
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
    assert.equal(english.subject, 'Your table is ready: number 42 at Café Zé');
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

  it('makes a mail that is refused a dead letter after three tries, and holds up no other', async (test) => {
    const { publish, deadLetters, drained, front } = await setUp(test);
    const [nobody, ana] = [uniqueAddress('nobody'), uniqueAddress('ana')];
    front.refuse(nobody);
    const refused = mailRequested(nobody, verifyAccount);
    await publish(refused, mailRequested(ana, verifyAccount));
    await mailTo(ana);
    assert.deepEqual(await deadLetters(1), [refused]);
    assert.equal(front.offers(nobody), 3);
    await drained();
    assert.deepEqual(await mailsTo(nobody), []);
  });

  it('says that a mail was refused without whose it was', async (test) => {
    const { deps, front } = await setUp(test);
    const nobody = uniqueAddress('nobody');
    front.refuse(nobody);
    const handle = onMailRequested(deps);
    await assert.rejects(handle(mailRequested(nobody, verifyAccount)), (error: Error) => {
      assert.equal(error.name, 'MailRefused');
      assert.match(error.message, /RCPT TO: 550/);
      assert.ok(!`${error.stack}${JSON.stringify(error)}`.includes(nobody));
      assert.equal(error.cause, undefined);
      return true;
    });
  });

  it('waits while the SMTP server is away, says so, and loses nothing', async (test) => {
    const { app, publish, drained, broker, front } = await setUp(test);
    const receives = countReceives(broker.sqs);
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
