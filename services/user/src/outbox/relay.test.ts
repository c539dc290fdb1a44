import assert from 'node:assert/strict';
import { after, beforeEach, describe, it } from 'node:test';
import { createPublisher, type Publisher } from '@queue-manager/events/publish';
import { newId } from '@queue-manager/service-kit/ids';
import { runInContext } from '@queue-manager/service-kit/request-context';
import { testLogger, until } from '@queue-manager/service-kit/testing';
import { addressKeyOf } from '../store/accounts.ts';
import {
  accountUrl,
  password,
  randomEmail,
  startUserService,
  type UserService,
} from '../testing.ts';
import { createEventMaker } from './event-maker.ts';
import { type Announcement, commit, readOutbox } from './outbox.ts';
import { createRelay } from './relay.ts';

describe('createRelay', () => {
  let service: UserService;
  beforeEach(async () => {
    await service?.close();
    service = await startUserService();
  });
  after(() => service.close());

  const outbox = async () => {
    const waiting = [];
    for await (const items of readOutbox(service.deps)) waiting.push(...items);
    return waiting;
  };
  const relayWith = (publisher: Publisher) =>
    createRelay({
      store: service.deps,
      publisher,
      makeEvent: createEventMaker({
        store: service.deps,
        tokens: service.deps.tokens,
        accountUrl,
      }),
      logger: testLogger,
    });
  const toSqs = () => createPublisher({ sqs: service.queues.sqs, prefix: service.queues.prefix });
  /** Commits like a process that dies before it publishes. */
  const commitAndDie = (userId: string) =>
    commit({ ...service.deps, relay: { send: () => undefined } }, {}, [
      { kind: 'user.deleted', userId },
    ]);

  it('publishes items left by a process that died', async () => {
    const userId = newId(service.clock);
    await commitAndDie(userId);
    assert.equal((await outbox()).length, 1);
    service.clock.advance(10);
    const events = await service.events('queue-events');
    assert.deepEqual(
      events.map(({ subject }) => subject),
      [userId],
    );
  });

  it('sends the trace context of the request, also from another process', async () => {
    await service.call('POST', '/v1/users', {
      body: { name: 'Ana', email: randomEmail(), password },
      headers: { 'x-request-id': 'abc' },
    });
    await runInContext({ requestId: 'def' }, () => commitAndDie(newId(service.clock)));
    service.clock.advance(10);
    for (const [queue, requestId] of [
      ['mails', 'abc'],
      ['queue-events', 'def'],
    ] as const) {
      const message = await until(`${queue} has a message`, async () => {
        const [first] = await service.queues.receive(queue);
        return first;
      });
      assert.equal(message.MessageAttributes?.requestId?.StringValue, requestId);
    }
  });

  it('publishes under the same id when several processes poll', async () => {
    const userIds = Array.from({ length: 120 }, () => newId(service.clock));
    for (const userId of userIds) await commitAndDie(userId);
    service.clock.advance(10);
    const others = [relayWith(toSqs()), relayWith(toSqs())];
    for (const relay of others) relay.start();
    const events = await service.events('queue-events');
    for (const relay of others) await relay.stop();
    const all = [...events, ...(await service.events('queue-events'))];
    assert.deepEqual(new Set(all.map(({ subject }) => subject)), new Set(userIds));
    assert.equal(new Set(all.map(({ id }) => id)).size, userIds.length);
  });

  it('keeps items until SQS accepts them', async () => {
    await service.app.close();
    let isUnavailable = true;
    const sqs = toSqs();
    const relay = relayWith({
      publish: async (events) => {
        if (isUnavailable) throw Object.assign(new Error('unavailable'), { code: 'ECONNREFUSED' });
        return sqs.publish(events);
      },
    });
    const userId = newId(service.clock);
    await commit({ ...service.deps, relay }, {}, [{ kind: 'user.deleted', userId }]);
    service.clock.advance(10);
    relay.start();
    assert.equal((await outbox()).length, 1);
    isUnavailable = false;
    await until('the event is published', async () => (await outbox()).length === 0);
    await relay.stop();
    const events = await service.events('queue-events');
    assert.deepEqual(
      events.map(({ subject }) => subject),
      [userId],
    );
  });

  it('skips announcements of a newer version', async () => {
    const newer = { kind: 'user.celebrated' } as unknown as Announcement;
    const userId = newId(service.clock);
    await commit(service.deps, {}, [newer, { kind: 'user.deleted', userId }]);
    service.clock.advance(10);
    await until('the known one is published', async () => (await outbox()).length === 1);
    const later = newId(service.clock);
    await commit(service.deps, {}, [{ kind: 'user.deleted', userId: later }]);
    await until('the later one is published', async () => (await outbox()).length === 1);
    const [left] = await outbox();
    assert.deepEqual(left?.announcement, newer);
  });

  it('drops a mail whose subject is gone', async () => {
    const email = randomEmail();
    const signUp = { addressKey: addressKeyOf(email), id: newId(service.clock) };
    const { user } = await service.openAccount();
    const before = (await service.mails()).length;
    await commit(service.deps, {}, [
      { kind: 'mail.verify-account', signUp },
      { kind: 'mail.account-exists', userId: newId(service.clock) },
      {
        kind: 'mail.reset-password',
        userId: user.id,
        passwordVersion: 7,
        expiresAt: '2099-01-01T00:00:00.000Z',
      },
      {
        kind: 'mail.reset-password',
        userId: user.id,
        passwordVersion: 1,
        expiresAt: service.clock.now().toISOString(),
      },
    ]);
    assert.equal((await service.mails()).length, before);
  });

  it('publishes a repeated mail with the same id and link', async () => {
    const email = randomEmail();
    await service.post('/v1/users', { name: 'Ana', email, password });
    const [first] = await service.mails(email);
    const [signUp] = (await service.events('mails')).map(({ subject }) => subject);
    const announcement = {
      kind: 'mail.verify-account',
      signUp: { addressKey: addressKeyOf(email), id: signUp as string },
    } as const;
    const createdAt = service.clock.now().toISOString();
    service.deps.relay.send([{ id: first?.eventId as string, createdAt, announcement }]);
    await until('the mail came again', async () => (await service.mails(email)).length === 2);
    const [, second] = await service.mails(email);
    assert.deepEqual(second, first);
  });
});
