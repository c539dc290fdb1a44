import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { type RedisServer, startRedis, startRedisCluster } from '@queue-manager/position/testing';
import { ManualClock } from '@queue-manager/service-kit/clock';
import { connectRedis } from '@queue-manager/service-kit/redis';
import { testEnv, testLogger, until } from '@queue-manager/service-kit/testing';
import fc from 'fast-check';
import { type BacklogLimits, createMessageStore, type MessageStore } from './message-store.ts';

const backlog: BacklogLimits = {
  messagesMax: 1_000,
  bytesMax: 100_000,
  ageDaysMax: 14,
  keysMax: 5,
};
const deliveriesMax = 3;

async function openStore(
  url: string,
  clock: ManualClock,
  options: { isCluster?: boolean; backlog?: Partial<BacklogLimits> } = {},
) {
  const redis = connectRedis({
    url,
    isCluster: options.isCluster ?? false,
    commandTimeoutMs: 5_000,
    logger: testLogger,
  });
  await until('Redis is connected', () => redis.status === 'ready');
  const store = createMessageStore({
    redis,
    clock,
    deliveriesMax,
    backlog: { ...backlog, ...options.backlog },
  });
  return { redis, store, [Symbol.dispose]: () => redis.disconnect() };
}

/** Calls about one venue, with names for messages. */
function venueOf(store: MessageStore, venueId: string = randomUUID()) {
  const ids = new Map<string, string>();
  const idOf = (name: string) => ids.get(name) ?? assert.fail(name);
  const take = async (cid: string, limit = 1, visibilitySeconds = 30) => {
    const { messages } = await store.consume({ venueId, cid, limit, visibilitySeconds });
    return messages.map(({ body }) => JSON.parse(body) as string);
  };
  return {
    venueId,
    idOf,
    async publish(...names: string[]) {
      for (const name of names) {
        const id = await store.publish({ venueId, body: JSON.stringify(name) });
        ids.set(name, id ?? assert.fail('gone'));
      }
    },
    take,
    finish: (cid: string, name: string) => store.delete({ venueId, cid, id: idOf(name) }),
    extend: (cid: string, name: string, visibilitySeconds: number) =>
      store.extend({ venueId, cid, id: idOf(name), visibilitySeconds }),
    requeue: (name: string) => store.requeue({ venueId, id: idOf(name) }),
    stats: () => store.stats(venueId),
    dead: async () =>
      (await store.listDead(venueId, { after: '0', limit: 100 })).map(({ body }) =>
        JSON.parse(body),
      ),
  };
}

describe('message store', () => {
  const clock = new ManualClock();
  let store: MessageStore;
  let opened: Awaited<ReturnType<typeof openStore>>;
  before(async () => {
    opened = await openStore(testEnv('BROKER_REDIS_URL'), clock);
    store = opened.store;
  });
  after(() => opened[Symbol.dispose]());

  it('gives each message to one consumer, in the order of publishing', async () => {
    const venue = venueOf(store);
    await venue.publish('a', 'b', 'c', 'd');
    assert.deepEqual(await venue.take('one', 2), ['a', 'b']);
    assert.deepEqual(await venue.take('two', 9), ['c', 'd']);
    assert.deepEqual(await venue.take('one', 9), []);
    assert.equal(await venue.finish('two', 'a'), false);
    assert.equal(await venue.finish('one', 'a'), true);
    assert.equal(await venue.finish('one', 'a'), false);
    assert.deepEqual(await venue.stats(), {
      ready: 0,
      locked: 3,
      dead: 0,
      oldestAgeSeconds: 0,
      consumers: [
        { cid: 'two', locked: 2 },
        { cid: 'one', locked: 1 },
      ],
    });
  });

  it('unlocks a message at its place when its time has passed, and counts deliveries', async () => {
    const venue = venueOf(store);
    await venue.publish('a', 'b', 'c');
    assert.deepEqual(await venue.take('one', 2, 10), ['a', 'b']);
    clock.advance(9.999);
    assert.deepEqual(await venue.take('two'), ['c']);
    assert.equal(await venue.extend('one', 'b', 60), true);
    clock.advance(0.001);
    assert.equal(await venue.extend('one', 'a', 60), false);
    assert.equal(await venue.finish('one', 'a'), false);
    await venue.publish('d');
    const { messages } = await store.consume({
      venueId: venue.venueId,
      cid: 'two',
      limit: 9,
      visibilitySeconds: 30,
    });
    assert.deepEqual(
      messages.map(({ id, body, deliveries }) => [id, body, deliveries]),
      [
        [venue.idOf('a'), '"a"', 2],
        [venue.idOf('d'), '"d"', 1],
      ],
    );
    assert.equal(await venue.finish('one', 'a'), false);
    assert.equal(await venue.finish('two', 'a'), true);
  });

  it('says when the next message is unlocked', async () => {
    const venue = venueOf(store);
    const empty = () =>
      store.consume({ venueId: venue.venueId, cid: 'x', limit: 1, visibilitySeconds: 1 });
    assert.deepEqual(await empty(), { messages: [], unlockAt: null });
    await venue.publish('a');
    await venue.take('one', 1, 43_200);
    const unlockAt = clock.now().getTime() + 43_200_000;
    assert.deepEqual(await empty(), { messages: [], unlockAt });
  });

  it('makes a message dead after its last delivery, and requeues it at its place', async () => {
    const venue = venueOf(store);
    await venue.publish('poison', 'a', 'b');
    for (let delivery = 1; delivery <= deliveriesMax; delivery += 1) {
      assert.deepEqual(await venue.take(`${delivery}`, 1, 1), ['poison']);
      assert.deepEqual(await venue.dead(), []);
      clock.advance(1);
    }
    assert.deepEqual(await venue.take('one', 1), ['a']);
    const [dead] = await store.listDead(venue.venueId, { after: '0', limit: 9 });
    assert.deepEqual(dead, {
      id: venue.idOf('poison'),
      body: '"poison"',
      deliveries: deliveriesMax,
      cid: '3',
    });
    assert.equal(await venue.requeue('a'), false);
    assert.equal(await venue.requeue('poison'), true);
    assert.equal(await venue.requeue('poison'), false);
    assert.deepEqual(await venue.dead(), []);
    const { messages } = await store.consume({
      venueId: venue.venueId,
      cid: 'one',
      limit: 2,
      visibilitySeconds: 30,
    });
    assert.deepEqual(
      messages.map(({ body, deliveries }) => [body, deliveries]),
      [
        ['"poison"', 1],
        ['"b"', 1],
      ],
    );
  });

  it('lists dead messages page by page', async () => {
    const venue = venueOf(store);
    const names = ['a', 'b', 'c', 'd', 'e'];
    await venue.publish(...names);
    for (let delivery = 1; delivery <= deliveriesMax; delivery += 1) {
      await venue.take('one', 9, 1);
      clock.advance(1);
    }
    const first = await store.listDead(venue.venueId, { after: '0', limit: 3 });
    const last = first.at(-1)?.id ?? '';
    const second = await store.listDead(venue.venueId, { after: last, limit: 3 });
    assert.deepEqual(
      [...first, ...second].map(({ body }) => JSON.parse(body)),
      names,
    );
    assert.equal((await venue.stats()).dead, 5);
  });

  it('keeps venues apart', async () => {
    const [venue, other] = [venueOf(store), venueOf(store)];
    await venue.publish('a');
    assert.deepEqual(await other.take('one'), []);
    assert.deepEqual(await venue.take('one'), ['a']);
    const id = venue.idOf('a');
    assert.equal(await store.delete({ venueId: other.venueId, cid: 'one', id }), false);
    assert.equal(await venue.finish('one', 'a'), true);
  });

  it('gives ids that grow, also when the clock goes back', async () => {
    const venue = venueOf(store);
    await venue.publish('a', 'b');
    clock.advance(-3_600);
    await venue.publish('c');
    clock.advance(3_600);
    const ids = ['a', 'b', 'c'].map(venue.idOf);
    assert.deepEqual(ids, ids.toSorted());
    assert.equal(new Set(ids).size, 3);
    assert.deepEqual(await venue.take('one', 9), ['a', 'b', 'c']);
  });

  it('publishes once per idempotency key, and refuses it for another body', async () => {
    const { venueId, stats } = venueOf(store);
    const publish = (body: string, caller: string, key: string) =>
      store.publish({ venueId, body, idempotency: { caller, key } });
    const id = await publish('1', 'till', 'k');
    const again = await Promise.all(Array.from({ length: 5 }, () => publish('1', 'till', 'k')));
    assert.deepEqual(new Set(again), new Set([id]));
    await assert.rejects(publish('2', 'till', 'k'), { code: 'idempotency-key-reused' });
    assert.notEqual(await publish('1', 'pager', 'k'), id);
    assert.notEqual(await publish('1', 'till', 'l'), id);
    assert.equal((await stats()).ready, 3);
  });

  it('refuses messages beyond each limit of the backlog, and names it', async () => {
    const refusal = (message: RegExp) => ({ code: 'backlog-full', message, retryAfterSeconds: 60 });
    using few = await openStore(testEnv('BROKER_REDIS_URL'), clock, {
      backlog: { messagesMax: 2, bytesMax: 20 },
    });
    const many = venueOf(few.store);
    await many.publish('a', 'b');
    await assert.rejects(many.publish('c'), refusal(/2 messages/));
    await many.take('one');
    await assert.rejects(many.publish('c'), refusal(/2 messages/));
    await many.finish('one', 'a');
    await many.publish('c');
    assert.deepEqual(await many.take('one', 9), ['b', 'c']);

    const large = venueOf(few.store);
    await large.publish('x'.repeat(17));
    await assert.rejects(large.publish('y'), refusal(/20 bytes/));
    await large.take('one');
    await large.finish('one', 'x'.repeat(17));
    await large.publish('y'.repeat(18));

    const old = venueOf(store);
    await old.publish('a');
    clock.advance(14 * 86_400);
    await old.publish('b');
    clock.advance(0.001);
    await assert.rejects(old.publish('c'), refusal(/14 days/));
    assert.equal((await old.stats()).oldestAgeSeconds, 14 * 86_400);
    await old.take('one');
    await old.publish('c');

    const { venueId } = venueOf(store);
    const publish = (key: string, isKeyCounted = true) =>
      store.publish({ venueId, body: '1', idempotency: { caller: 'x', key }, isKeyCounted });
    for (let key = 1; key <= backlog.keysMax; key += 1) await publish(`${key}`);
    await publish('1');
    await assert.rejects(publish('6'), refusal(/5 calls had an Idempotency-Key/));
    await publish('7', false);
    await store.publish({ venueId, body: '1' });
    clock.advance(86_400);
    await publish('6');
  });

  it('deletes everything of a venue, and refuses what comes later', async () => {
    const venue = venueOf(store);
    await venue.publish('a', 'b');
    await venue.take('one');
    await store.drop(venue.venueId);
    await store.drop(venue.venueId);
    assert.equal(await store.publish({ venueId: venue.venueId, body: '1' }), null);
    assert.deepEqual(await venue.take('one'), []);
    const keys = await opened.redis.keys(`broker:{${venue.venueId}}:*`);
    assert.equal(keys.length, 1);
    assert.ok((await opened.redis.ttl(keys[0] as string)) > 0);
  });

  it('behaves like a simple model, whatever consumers do', async () => {
    const consumers = ['one', 'two'];
    const press = fc.oneof(
      fc.record({ kind: fc.constant('publish' as const) }),
      fc.record({
        kind: fc.constant('take' as const),
        cid: fc.constantFrom(...consumers),
        limit: fc.integer({ min: 1, max: 3 }),
        visibility: fc.integer({ min: 1, max: 5 }),
      }),
      fc.record({
        kind: fc.constantFrom('finish' as const, 'extend' as const, 'requeue' as const),
        cid: fc.constantFrom(...consumers),
        which: fc.nat(5),
      }),
      fc.record({ kind: fc.constant('pass' as const), seconds: fc.integer({ min: 1, max: 4 }) }),
    );
    type Kept = { name: string; deliveries: number; cid: string; until: number; isDead: boolean };
    await fc.assert(
      fc.asyncProperty(fc.array(press, { maxLength: 80, size: 'max' }), async (presses) => {
        const venue = venueOf(store);
        const kept: Kept[] = [];
        let published = 0;
        const time = () => clock.now().getTime();
        const isLocked = ({ until }: Kept) => until > time();
        const settle = () => {
          for (const message of kept) {
            if (message.deliveries >= deliveriesMax && !isLocked(message)) message.isDead = true;
          }
        };
        for (const move of presses) {
          settle();
          switch (move.kind) {
            case 'publish': {
              published += 1;
              const name = String(published);
              await venue.publish(name);
              kept.push({ name, deliveries: 0, cid: '', until: 0, isDead: false });
              break;
            }
            case 'take': {
              const due = kept.filter((message) => !isLocked(message) && !message.isDead);
              const taken = due.slice(0, move.limit);
              for (const message of taken) {
                message.deliveries += 1;
                message.cid = move.cid;
                message.until = time() + move.visibility * 1_000;
              }
              assert.deepEqual(
                await venue.take(move.cid, move.limit, move.visibility),
                taken.map(({ name }) => name),
              );
              break;
            }
            case 'pass':
              clock.advance(move.seconds);
              break;
            default: {
              const message = kept[move.which];
              if (message === undefined) break;
              const holds = isLocked(message) && message.cid === move.cid;
              if (move.kind === 'finish') {
                assert.equal(await venue.finish(move.cid, message.name), holds);
                if (holds) kept.splice(kept.indexOf(message), 1);
              } else if (move.kind === 'extend') {
                assert.equal(await venue.extend(move.cid, message.name, 3), holds);
                if (holds) message.until = time() + 3_000;
              } else {
                assert.equal(await venue.requeue(message.name), message.isDead);
                if (message.isDead)
                  Object.assign(message, { isDead: false, deliveries: 0, until: 0 });
              }
            }
          }
        }
        settle();
        const { ready, locked, dead, consumers: holders } = await venue.stats();
        const held = kept.filter((message) => isLocked(message));
        assert.deepEqual(
          { ready, locked, dead },
          {
            ready: kept.filter((message) => !isLocked(message) && !message.isDead).length,
            locked: held.length,
            dead: kept.filter(({ isDead }) => isDead).length,
          },
        );
        for (const cid of consumers) {
          const count = held.filter((message) => message.cid === cid).length;
          assert.equal(holders.find((holder) => holder.cid === cid)?.locked ?? 0, count);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('message store that Redis fails', () => {
  const clock = new ManualClock();
  let server: RedisServer;
  before(async () => {
    server = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always']);
  });
  after(() => server.remove());

  it('keeps what it acknowledged when Redis is killed', async () => {
    using opened = await openStore(server.url, clock);
    const venue = venueOf(opened.store);
    await venue.publish('a', 'b', 'c');
    assert.deepEqual(await venue.take('one', 2), ['a', 'b']);
    await venue.finish('one', 'a');
    await server.kill();
    await server.start();
    await until('Redis is back', () => opened.redis.status === 'ready');
    assert.deepEqual(await venue.take('two', 9), ['c']);
    assert.equal(await venue.finish('one', 'b'), true);
    assert.equal((await venue.stats()).locked, 1);
  });

  it('refuses to publish without memory, and lets consumers go on', async () => {
    using opened = await openStore(server.url, clock);
    const venue = venueOf(opened.store);
    await venue.publish('a', 'b', 'c');
    await venue.take('one', 1, 1);
    clock.advance(1);
    await opened.redis.config('SET', 'maxmemory', '1');
    try {
      await assert.rejects(venue.publish('d'), /OOM command not allowed/);
      assert.deepEqual(await venue.take('two', 2), ['a', 'b']);
      assert.equal(await venue.extend('two', 'b', 60), true);
      assert.equal(await venue.finish('two', 'a'), true);
      assert.deepEqual(await venue.take('two', 2), ['c']);
    } finally {
      await opened.redis.config('SET', 'maxmemory', '0');
    }
    assert.deepEqual((await venue.stats()).consumers, [{ cid: 'two', locked: 2 }]);
  });
});

describe('message store on a Redis Cluster', () => {
  it('keeps each venue on one node', async () => {
    const clock = new ManualClock();
    const cluster = await startRedisCluster();
    try {
      using opened = await openStore(cluster.url, clock, { isCluster: true });
      const venues = Array.from({ length: 12 }, () => venueOf(opened.store));
      await Promise.all(
        venues.map(async (venue) => {
          await venue.publish('a', 'b');
          assert.deepEqual(await venue.take('one', 2, 1), ['a', 'b']);
          assert.equal(await venue.finish('one', 'a'), true);
          assert.equal(await venue.extend('one', 'b', 5), true);
          assert.equal((await venue.stats()).locked, 1);
          assert.deepEqual(await venue.dead(), []);
          assert.equal(await venue.requeue('b'), false);
          await opened.store.drop(venue.venueId);
        }),
      );
    } finally {
      await cluster.remove();
    }
  });
});
