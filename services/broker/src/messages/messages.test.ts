import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { limits } from '@queue-manager/contracts/values';
import { ManualClock } from '@queue-manager/service-kit/clock';
import {
  type Answer,
  type KeyService,
  problemOf,
  startBroker,
  startKeyService,
  type TestBroker,
} from '../testing.ts';

describe('messages', () => {
  const clock = new ManualClock();
  let keys: KeyService;
  let broker: TestBroker;
  let till: ReturnType<TestBroker['program']>;
  before(async () => {
    keys = await startKeyService();
    broker = await startBroker({ clock, keys, deliveriesMax: 2 });
  });
  beforeEach(() => {
    till = broker.program(keys.newKey().key);
  });
  after(async () => {
    await broker.close();
    await keys.close();
  });

  const idsOf = ({ body }: Answer) => body.map(({ id }: { id: string }) => id);

  it('are published, consumed and deleted', async () => {
    const published = await till.publish({ table: 4, called: true });
    assert.equal(published.status, 201);
    const { id } = published.body;
    assert.equal(typeof id, 'string');
    const consumed = await till.consume('till');
    assert.equal(consumed.status, 200);
    assert.match(consumed.headers.get('content-type') ?? '', /^application\/json/);
    assert.equal(consumed.headers.get('cache-control'), 'no-store');
    assert.deepEqual(consumed.body, [
      {
        id,
        body: { table: 4, called: true },
        publishedAt: clock.now().toISOString(),
        deliveries: 1,
      },
    ]);
    assert.deepEqual((await till.stats()).body, {
      ready: 0,
      locked: 1,
      dead: 0,
      oldestAgeSeconds: 0,
      consumers: [{ cid: 'till', locked: 1 }],
    });
    const deleted = await till.finish('till', id);
    assert.deepEqual([deleted.status, deleted.body], [200, true]);
    assert.equal((await till.finish('till', id)).body, false);
    assert.deepEqual((await till.consume('till')).body, []);
  });

  it('take consumers and ids as integers or strings', async () => {
    const { id } = (await till.publish(1)).body;
    assert.deepEqual(idsOf(await till.consume(7)), [id]);
    assert.equal((await till.extend('7', Number(id))).body, true);
    assert.equal((await till.finish(7, Number(id))).body, true);
    assert.equal((await till.finish('till', 'no such id')).body, false);
    await till.publish(1);
    const odd = 'Bar, "left" {x} 日本 ';
    assert.equal((await till.consume(odd)).body.length, 1);
    assert.deepEqual((await till.stats()).body.consumers, [{ cid: odd, locked: 1 }]);
  });

  it('keep any JSON as it was sent', async () => {
    const bodies = [
      'null',
      'false',
      '0',
      '"text \\ud83d\\ude00 \u2028"',
      '[]',
      '12345678901234567890.10',
      '{"__proto__":1,"a":{"constructor":{"prototype":1}}}',
      '['.repeat(30_000) + ']'.repeat(30_000),
    ];
    for (const body of bodies) assert.equal((await till.publish(body)).status, 201, body);
    const { text } = await till.consume('till', { limit: 100 });
    for (const body of bodies) assert.ok(text.includes(`"body":${body},`), body.slice(0, 40));
  });

  it('are refused when the body is too large, no JSON, or missing', async () => {
    const largest = JSON.stringify('x'.repeat(limits.messageBytes - 2));
    assert.equal((await till.publish(largest)).status, 201);
    const refused = await till.publish(`${largest} `);
    assert.equal(problemOf(refused), 'payload-too-large');
    assert.match(refused.body.detail, /65536 bytes/);
    for (const body of ['', ' ', '{', '{"a":1}}', 'undefined', "{'a':1}"]) {
      const answer = await till.publish(body);
      assert.equal(problemOf(answer), 'validation-failed', body);
      assert.equal(answer.body.errors[0].path, 'body');
    }
    const text = await till.publish('1', { 'content-type': 'text/plain' });
    assert.equal(problemOf(text), 'unsupported-media-type');
    assert.equal((await till.stats()).body.ready, 1);
  });

  it('are refused with the name of the invalid parameter', async () => {
    const path = async (answer: Promise<Answer>) => (await answer).body.errors?.[0]?.path;
    const key = keys.newKey().key;
    assert.deepEqual((await broker.call('GET', '/v1/consumer', { key })).body.errors, [
      { path: 'cid', message: 'must be an integer, or a text of 1 to 128 characters' },
    ]);
    assert.equal(await path(till.consume('')), 'cid');
    assert.equal(await path(till.consume('x'.repeat(129))), 'cid');
    for (const [name, values] of [
      ['limit', [0, 101, 'x', 1.5]],
      ['wait', [-1, 21]],
      ['visibility', [0, 43_201]],
      ['color', ['red']],
    ] as const) {
      for (const value of values) {
        assert.equal(await path(till.consume('till', { [name]: value })), name);
      }
    }
    assert.equal(await path(broker.call('DELETE', '/v1/consumer?cid=x', { key })), 'id');
    assert.equal(await path(till.extend('till', '1', 0)), 'visibility');
    assert.equal(
      await path(till.publish(1, { 'idempotency-key': 'x'.repeat(256) })),
      'Idempotency-Key',
    );
  });

  it('are locked for the visibility time, which can be extended', async () => {
    const { id } = (await till.publish(1)).body;
    await till.consume('one', { visibility: 5 });
    clock.advance(4);
    assert.deepEqual((await till.consume('two')).body, []);
    assert.equal((await till.extend('two', id)).body, false);
    assert.equal((await till.extend('one', id, 10)).body, true);
    clock.advance(9);
    assert.deepEqual((await till.consume('two')).body, []);
    clock.advance(1);
    const [again] = (await till.consume('two')).body;
    assert.deepEqual([again.id, again.deliveries], [id, 2]);
    assert.equal((await till.finish('one', id)).body, false);
    assert.equal((await till.finish('two', id)).body, true);
  });

  it('become dead after the last delivery, are listed and requeued', async () => {
    const ids: string[] = [];
    for (const n of [1, 2, 3]) ids.push((await till.publish({ n })).body.id);
    for (const cid of ['one', 'two']) {
      await till.consume(cid, { limit: 9, visibility: 1 });
      clock.advance(1);
    }
    assert.deepEqual((await till.consume('three')).body, []);
    const first = await till.dead({ limit: 2 });
    assert.deepEqual(idsOf({ ...first, body: first.body.data }), ids.slice(0, 2));
    const { nextCursor } = first.body;
    const second = await till.dead({ limit: 2, cursor: nextCursor });
    assert.equal(second.body.nextCursor, null);
    const { publishedAt, ...dead } = second.body.data[0];
    assert.deepEqual(dead, { id: ids[2], body: { n: 3 }, deliveries: 2, cid: 'two' });
    assert.ok(Date.parse(publishedAt) > 0);
    assert.equal(problemOf(await till.dead({ cursor: 'x' })), 'validation-failed');

    const key = { 'idempotency-key': 'again' };
    const requeued = await till.requeue(ids[1] ?? '', key);
    assert.deepEqual([requeued.status, requeued.body], [200, { id: ids[1] }]);
    assert.equal((await till.requeue(ids[1] ?? '', key)).status, 200);
    assert.equal(problemOf(await till.requeue(ids[1] ?? '')), 'not-found');
    assert.equal(problemOf(await till.requeue('none')), 'not-found');
    assert.equal((await till.stats()).body.dead, 2);
    const [again] = (await till.consume('three')).body;
    assert.deepEqual([again.id, again.deliveries], [ids[1], 1]);
  });

  it('are published once per Idempotency-Key of an API key', async () => {
    const venue = keys.newKey();
    const [one, two] = [venue, keys.newKey(venue.venueId)].map(({ key }) => broker.program(key));
    assert.ok(one && two);
    const key = { 'idempotency-key': 'order 17' };
    const { id } = (await one.publish({ order: 17 }, key)).body;
    const repeats = await Promise.all([1, 2, 3].map(() => one.publish({ order: 17 }, key)));
    for (const { status, body } of repeats) assert.deepEqual([status, body], [201, { id }]);
    assert.equal(problemOf(await one.publish({ order: 18 }, key)), 'idempotency-key-reused');
    assert.notEqual((await two.publish({ order: 17 }, key)).body.id, id);
    assert.equal((await one.stats()).body.ready, 2);
  });

  it('are refused with 429 when the backlog is full', async () => {
    await using small = await startedBroker({ messagesMax: 1 });
    const program = small.program(keys.newKey().key);
    await program.publish(1);
    const refused = await program.publish(2);
    assert.equal(refused.status, 429);
    assert.equal(problemOf(refused), 'backlog-full');
    assert.match(refused.body.detail, /1 messages/);
    assert.ok(Number(refused.headers.get('retry-after')) > 0);
  });

  async function startedBroker(backlog: { messagesMax: number }) {
    const small = await startBroker({ clock, keys, backlog });
    return { ...small, [Symbol.asyncDispose]: () => small.close() };
  }
});
