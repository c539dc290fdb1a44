import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { DeleteCommand, DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { makeEvent } from '@queue-manager/contracts/events';
import { accountKey } from '@queue-manager/contracts/users';
import { provisionAlerts } from '@queue-manager/events/alerts';
import { createSnsClient } from '@queue-manager/events/client';
import { createDeadLetters } from '@queue-manager/events/dead-letters';
import { createPublisher } from '@queue-manager/events/publish';
import { readEvent } from '@queue-manager/events/read-event';
import { connectDynamo } from '@queue-manager/service-kit/dynamo';
import { until } from '@queue-manager/service-kit/testing';
import { startSecretStores } from '@queue-manager/service-kit/testing/secret-stores';
import { startForwarder, targetOf } from '../testing.ts';
import { drainKey } from './drain.ts';

const nothing = { forwarded: 0, deadLetters: 0, skipped: 0 };

/** A forwarder with contacts in its queue. */
async function setUp(test: TestContext, count: number, settings: Record<string, string> = {}) {
  const forwarder = await startForwarder(test, settings);
  const { queues, api, clock } = forwarder;
  const sns = createSnsClient();
  test.after(() => sns.destroy());
  await provisionAlerts(sns, queues.sqs, queues);
  const accounts = await forwarder.addAccounts(count);
  const contacts = accounts.map(({ id, name, email, locale, createdAt, verifiedAt }) =>
    makeEvent({
      id,
      source: '/forwarder',
      type: 'contact.added',
      subject: id,
      time: verifiedAt,
      data: { userId: id, name, email, locale, createdAt, verifiedAt },
    }),
  );
  await createPublisher(queues).publish(contacts);
  return {
    ...forwarder,
    contacts,
    /** The ids of accounts that the API got, in order. */
    keys: () => api.got.map(({ key }) => key),
    ids: contacts.map(({ id }) => id),
    /** Drains once what a failed run released is visible again. */
    drainAgain: () =>
      until('the contact is visible again', async () => {
        const before = api.got.length;
        const result = await forwarder.drain();
        return result.outcome !== 'empty' || api.got.length > before ? result : null;
      }),
    deadLetters: () =>
      createDeadLetters(queues).read('contacts.fifo', { most: 10, hiddenSeconds: 1 }),
    /** The causes of the alerts since the last call. */
    async alerts() {
      const messages = await queues.receive('alert-mails');
      return messages.map(({ Body }) => {
        const event = readEvent(Body);
        return event.type === 'alert.raised' ? event.data.firstError : event.type;
      });
    },
    later: (seconds: number) => clock.advance(seconds),
  };
}

describe('drain', { concurrency: 4 }, () => {
  it('sends all contacts in order, with key and idempotency key', async (test) => {
    const { drain, api, contacts, queues } = await setUp(test, 5);
    assert.deepEqual(await drain(), { ...nothing, outcome: 'empty', forwarded: 5 });
    assert.deepEqual(
      api.got,
      contacts.map(({ id, data }) => ({
        key: id,
        authorization: 'Bearer first-key',
        body: { email: data.email, name: data.name },
        status: 201,
      })),
    );
    assert.equal(await queues.count('contacts.fifo'), 0);
  });

  for (const [title, behaviour] of [
    ['500', { status: 500 }],
    ['408', { status: 408 }],
    ['409', { status: 409 }],
    ['429', { status: 429 }],
    ['no reply in time', 'hang'],
    ['a closed connection', 'lose'],
  ] as const) {
    it(`stops at ${title}, and goes on in order with the same idempotency key`, async (test) => {
      const { drain, drainAgain, api, keys, ids } = await setUp(test, 3);
      api.next.push({ status: 200 }, behaviour);
      const result = await drain();
      assert.deepEqual([result.outcome, result.forwarded, result.deadLetters], ['stopped', 1, 0]);
      assert.match(result.reason ?? '', /^The API (answered|did not answer)/);
      const again = await drainAgain();
      assert.deepEqual(again, { ...nothing, outcome: 'empty', forwarded: 2 });
      assert.deepEqual(keys(), [ids[0], ids[1], ids[1], ids[2]]);
    });
  }

  it('makes a dead letter of a refused contact at once, without personal data in the error', async (test) => {
    const { drain, api, keys, ids, contacts, deadLetters, queues } = await setUp(test, 3);
    const [, { data }] = contacts as [unknown, (typeof contacts)[number]];
    const body = `{"detail":"${data.name} <${data.email}> is on a list; key first-key"}`;
    api.next.push({ status: 200 }, { status: 422, body });
    const result = await drain();
    assert.deepEqual(result, { outcome: 'empty', forwarded: 2, deadLetters: 1, skipped: 0 });
    assert.deepEqual(keys(), ids);
    const [letter, ...others] = await deadLetters();
    assert.equal(others.length, 0);
    assert.equal(letter?.eventId, ids[1]);
    assert.match(letter?.failure?.error ?? '', /^The API answered 422: .*is on a list/);
    for (const secret of [...data.name.split(' '), data.email, 'first-key']) {
      assert.ok(!letter?.failure?.error.includes(secret), letter?.failure?.error);
    }
    assert.equal(await queues.count('contacts.fifo'), 0);
  });

  it('retries a 409 for an hour, then makes it a dead letter', async (test) => {
    const { drain, drainAgain, later, api, ids, deadLetters } = await setUp(test, 2);
    api.next.push({ status: 409 }, { status: 409 }, { status: 409 });
    assert.equal((await drain()).outcome, 'stopped');
    later(3_000);
    assert.equal((await drainAgain()).outcome, 'stopped');
    later(600);
    const result = await drainAgain();
    assert.deepEqual(result, { outcome: 'empty', forwarded: 1, deadLetters: 1, skipped: 0 });
    assert.deepEqual(
      (await deadLetters()).map(({ eventId }) => eventId),
      [ids[0]],
    );
  });

  it('waits as long as Retry-After says, in seconds or as a date', async (test) => {
    const { drain, drainAgain, later, clock, api, keys, ids } = await setUp(test, 2);
    clock.set('2026-03-07T20:00:00Z');
    api.next.push(
      { status: 429, headers: { 'retry-after': '120' } },
      { status: 503, headers: { 'retry-after': 'Sat, 07 Mar 2026 20:05:00 GMT' } },
    );
    await drain();
    later(119);
    assert.deepEqual(await drain(), {
      ...nothing,
      outcome: 'waiting',
      reason: 'The API asked to wait until 2026-03-07T20:02:00.000Z',
    });
    later(1);
    assert.equal((await drainAgain()).outcome, 'stopped');
    later(179);
    assert.equal((await drain()).outcome, 'waiting');
    later(1);
    assert.deepEqual(await drainAgain(), { ...nothing, outcome: 'empty', forwarded: 2 });
    assert.deepEqual(keys(), [ids[0], ids[0], ids[0], ids[1]]);
  });

  it('sends no faster than the limit, also across runs', async (test) => {
    const { drain, api, clock } = await setUp(test, 6, { FORWARD_REQUESTS_PER_SECOND: '20' });
    const startedAt = performance.now();
    clock.set(new Date());
    await drain(0);
    await until('all are sent', async () => (await drain()).outcome === 'empty');
    assert.equal(api.got.length, 6);
    assert.ok(performance.now() - startedAt >= 5 * 50);
  });

  it('uses rotated keys without a restart, at once when the old one is refused', async (test) => {
    const { drain, api, setParameter, queues } = await setUp(test, 3, {
      FORWARD_PARAMETERS_CACHE_SECONDS: '3600',
    });
    assert.equal((await drain(0)).forwarded, 1);
    setParameter('api-key', 'second-key');
    api.next.push({ status: 401 });
    assert.deepEqual(await drain(), { ...nothing, outcome: 'empty', forwarded: 2 });
    assert.deepEqual(
      api.got.map(({ authorization, status }) => [authorization, status]),
      [
        ['Bearer first-key', 201],
        ['Bearer first-key', 401],
        ['Bearer second-key', 201],
        ['Bearer second-key', 201],
      ],
    );
    assert.equal(await queues.count('contacts.fifo'), 0);
  });

  it('reads keys again when the time to cache them is over', async (test) => {
    const { drain, api, later, setParameter } = await setUp(test, 3, {
      FORWARD_PARAMETERS_CACHE_SECONDS: '60',
    });
    await drain(0);
    setParameter('api-key', 'second-key');
    await drain(0);
    later(61);
    await drain(0);
    assert.deepEqual(
      api.got.map(({ authorization }) => authorization),
      ['Bearer first-key', 'Bearer first-key', 'Bearer second-key'],
    );
  });

  it('reads target and keys from Parameter Store, decrypted and anew', async (test) => {
    const { parameters, env } = await startSecretStores(test);
    Object.assign(process.env, env);
    const { drain, api, later } = await setUp(test, 2, {
      FORWARD_PARAMETERS_FOLDER: '',
      FORWARD_PARAMETERS_PATH: '/qm/forwarder',
    });
    assert.equal((await drain()).outcome, 'no-target');
    parameters['/qm/forwarder/target'] = JSON.stringify(targetOf(api.url));
    parameters['/qm/forwarder/api-key'] = 'first-key';
    await drain(0);
    parameters['/qm/forwarder/api-key'] = 'second-key';
    later(1);
    await drain(0);
    assert.deepEqual(
      api.got.map(({ authorization }) => authorization),
      ['Bearer first-key', 'Bearer second-key'],
    );
  });

  it('stops and raises one alert an hour when a key is missing, then sends what waits', async (test) => {
    const { drain, api, later, removeParameter, setParameter, alerts } = await setUp(test, 2);
    removeParameter('api-key');
    const stopped = { ...nothing, outcome: 'stopped', reason: 'The key “api-key” is missing' };
    assert.deepEqual(await drain(), stopped);
    assert.deepEqual(await alerts(), [stopped.reason]);
    assert.deepEqual(await drain(), stopped);
    assert.deepEqual(await alerts(), []);
    later(3_600);
    await drain();
    assert.deepEqual(await alerts(), [stopped.reason]);
    assert.equal(api.got.length, 0);
    setParameter('api-key', 'found');
    assert.deepEqual(await drain(), { ...nothing, outcome: 'empty', forwarded: 2 });
  });

  it('stops and raises an alert when the API refuses the key, instead of losing the contacts', async (test) => {
    const { drain, drainAgain, api, alerts, deadLetters } = await setUp(test, 1);
    api.next.push({ status: 401, body: 'no such key: first-key' });
    const { outcome, reason } = await drain();
    assert.deepEqual(
      [outcome, reason],
      ['stopped', 'The API answered 401: no such key: (removed)'],
    );
    assert.deepEqual(await alerts(), [reason]);
    assert.deepEqual(await deadLetters(), []);
    assert.equal((await drainAgain()).forwarded, 1);
  });

  it('follows no redirect', async (test) => {
    const { drain, api, alerts } = await setUp(test, 1);
    api.next.push({ status: 307, headers: { location: `${api.url}/elsewhere` } });
    assert.equal((await drain()).outcome, 'stopped');
    assert.equal(api.got.length, 1);
    assert.match(String(await alerts()), /^The API answered 307/);
  });

  it('raises an alert when the API takes nothing for more than an hour', async (test) => {
    const { drain, drainAgain, later, api, alerts } = await setUp(test, 1);
    api.next.push({ status: 500 }, { status: 500, body: 'still down' }, { status: 500 });
    await drain();
    assert.deepEqual(await alerts(), []);
    later(3_601);
    await drainAgain();
    assert.deepEqual(await alerts(), ['The API answered 500: still down']);
    await drainAgain();
    assert.deepEqual(await alerts(), []);
  });

  it('keeps contacts while there is no target', async (test) => {
    const { drain, api, removeParameter, alerts, queues } = await setUp(test, 1);
    removeParameter('target');
    assert.deepEqual(await drain(), { ...nothing, outcome: 'no-target' });
    assert.deepEqual([api.got, await alerts()], [[], []]);
    assert.equal(await queues.count('contacts.fifo'), 1);
  });

  it('raises an alert about a target that is invalid, or private where that is not allowed', async (test) => {
    const { drain, later, setParameter, alerts, api } = await setUp(test, 1, {
      FORWARD_ALLOW_PRIVATE: 'false',
    });
    const { reason } = await drain();
    assert.equal(
      reason,
      'The target is invalid: url must be an https address; url must have a public address',
    );
    assert.deepEqual(await alerts(), [reason]);
    // Only the name's address is private.
    later(1);
    setParameter('target', { url: `https://localhost:${api.port}`, body: {} });
    assert.equal((await drain()).reason, 'The target has a private address');
  });

  it('does not pass on an account that was deleted meanwhile', async (test) => {
    const { drain, deps, ids, keys } = await setUp(test, 3);
    const Key = accountKey(ids[1] ?? '');
    await deps.store.db.send(new DeleteCommand({ TableName: deps.usersTableName, Key }));
    assert.deepEqual(await drain(), { ...nothing, outcome: 'empty', forwarded: 2, skipped: 1 });
    assert.deepEqual(keys(), [ids[0], ids[2]]);
  });

  it('does not send again what was taken, when the message could not be removed', async (test) => {
    const { drain, deps, keys, ids } = await setUp(test, 2);
    let cut = true;
    deps.sqs.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          if (cut && commandName === 'DeleteMessageCommand') throw new Error('cut');
          return next(args);
        },
      { step: 'initialize' },
    );
    await assert.rejects(drain(), /cut/);
    cut = false;
    await until('all is sent', async () => {
      await drain();
      return keys().length >= 2;
    });
    assert.deepEqual(keys(), ids);
  });

  it('makes a dead letter of a message that is no contact', async (test) => {
    const { drain, queues, deadLetters } = await setUp(test, 0);
    await queues.send('contacts.fifo', '{"no":"contact"}');
    assert.deepEqual(await drain(), { ...nothing, outcome: 'empty', deadLetters: 1 });
    assert.equal((await deadLetters())[0]?.failure?.error, 'The message has an unknown event type');
  });

  it('runs once at a time, and takes over an expired lease', async (test) => {
    const { drain, deps, later, api } = await setUp(test, 2);
    const results = await Promise.all([drain(), drain(), drain()]);
    assert.deepEqual(results.map(({ outcome }) => outcome).sort(), ['busy', 'busy', 'empty']);
    assert.equal(api.got.length, 2);
    await deps.store.db.send(
      new UpdateCommand({
        TableName: deps.store.table,
        Key: { pk: drainKey },
        UpdateExpression: 'SET holder = :killed, leaseUntil = :until',
        ExpressionAttributeValues: {
          ':killed': 'killed',
          ':until': deps.clock.now().getTime() + 6_000,
        },
      }),
    );
    assert.equal((await drain()).outcome, 'busy');
    later(7);
    assert.equal((await drain()).outcome, 'empty');
  });

  it('sends nothing more once another run has its lease', async (test) => {
    const { drain, deps, api, keys, ids } = await setUp(test, 3);
    api.next.push({ status: 201 });
    deps.store.db.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          const result = await next(args);
          // Right after the first contact was taken.
          if (commandName === 'UpdateItemCommand' && api.got.length === 1) {
            await steal();
          }
          return result;
        },
      { step: 'initialize' },
    );
    const thief = connectDynamo();
    test.after(() => thief.destroy());
    const steal = () =>
      DynamoDBDocumentClient.from(thief).send(
        new UpdateCommand({
          TableName: deps.store.table,
          Key: { pk: drainKey },
          UpdateExpression: 'SET holder = :thief',
          ExpressionAttributeValues: { ':thief': 'thief' },
        }),
      );
    const { outcome, reason } = await drain();
    assert.deepEqual([outcome, reason], ['busy', 'Another run has taken over']);
    assert.deepEqual(keys(), [ids[0]]);
  });

  it('ends when its time is over, and the next run goes on', async (test) => {
    const { drain, keys, ids } = await setUp(test, 3);
    assert.deepEqual(await drain(0), { ...nothing, outcome: 'out-of-time', forwarded: 1 });
    assert.deepEqual(await drain(), { ...nothing, outcome: 'empty', forwarded: 2 });
    assert.deepEqual(keys(), ids);
  });
});
