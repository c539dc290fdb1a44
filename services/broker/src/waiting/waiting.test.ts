import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type RedisServer, startRedis } from '@queue-manager/position/testing';
import { systemClock } from '@queue-manager/service-kit/clock';
import { until } from '@queue-manager/service-kit/testing';
import { Redis } from 'ioredis';
import { type KeyService, startBroker, startKeyService, type TestBroker } from '../testing.ts';

describe('waiting for messages', () => {
  let server: RedisServer;
  let admin: Redis;
  let keys: KeyService;
  let brokers: TestBroker[];
  let key: string;
  before(async () => {
    server = await startRedis();
    admin = new Redis(server.url);
    keys = await startKeyService();
    const options = { clock: systemClock, keys, redisUrl: server.url };
    brokers = await Promise.all([startBroker(options), startBroker(options)]);
  });
  beforeEach(() => {
    key = keys.newKey().key;
  });
  after(async () => {
    await Promise.all(brokers.map((broker) => broker.close()));
    admin.disconnect();
    await keys.close();
    await server.remove();
  });

  const program = (index: number) => (brokers[index] as TestBroker).program(key);
  /** Resolves once somebody waits in that many processes. */
  const waiting = (processes: number) =>
    until('consumers wait', async () => {
      const channels = (await admin.pubsub('SHARDCHANNELS')) as string[];
      const counts = (await admin.call('PUBSUB', 'SHARDNUMSUB', ...channels)) as unknown[];
      return counts.some((count) => count === processes);
    });

  it('ends with a message that any process publishes', async () => {
    for (const publisher of [0, 1]) {
      const answer = program(0).consume('one', { wait: 20 });
      await waiting(1);
      const { id } = (await program(publisher).publish({ now: true })).body;
      assert.equal((await answer).body[0].id, id);
      await program(0).finish('one', id);
    }
  });

  it('ends with a message whose visibility time passes', async () => {
    const { id } = (await program(0).publish(1)).body;
    await program(0).consume('one', { visibility: 1 });
    const [message] = (await program(1).consume('two', { wait: 20 })).body;
    assert.deepEqual([message.id, message.deliveries], [id, 2]);
  });

  it('ends without messages after its time, and keeps no subscription', async () => {
    const startedAt = performance.now();
    assert.deepEqual((await program(0).consume('one', { wait: 1 })).body, []);
    // A timer may fire up to a millisecond early.
    assert.ok(performance.now() - startedAt > 990);
    await until('nothing is subscribed', async () => {
      return ((await admin.pubsub('SHARDCHANNELS')) as string[]).length === 0;
    });
  });

  it('gives each message to one of many that wait, first come first served', async () => {
    const order: string[] = [];
    const answers: Promise<unknown>[] = [];
    for (const cid of ['a', 'b', 'c', 'd']) {
      answers.push(
        program(0)
          .consume(cid, { wait: 20 })
          .then(({ body }) => order.push(`${cid}${body[0].body}`)),
      );
      await waiting(1);
    }
    for (const n of [1, 2, 3, 4]) {
      await program(1).publish(n);
      await until('it was delivered', () => order.length === n);
    }
    await Promise.all(answers);
    assert.deepEqual(
      order.map((got) => got.at(-1)),
      ['1', '2', '3', '4'],
    );
    assert.equal(new Set(order.map((got) => got[0])).size, 4);
  });

  it('uses one connection to Redis, however many wait', async () => {
    const clients = async () => ((await admin.client('LIST')) as string).trim().split('\n').length;
    const before = await clients();
    const owners = Array.from({ length: 20 }, () => keys.newKey().key);
    const broker = brokers[0] as TestBroker;
    const answers = owners.map((owner) => broker.program(owner).consume('one', { wait: 20 }));
    await until('all wait', async () => {
      return ((await admin.pubsub('SHARDCHANNELS')) as string[]).length === owners.length;
    });
    assert.equal(await clients(), before);
    for (const owner of owners) await broker.program(owner).publish(1);
    for (const { body } of await Promise.all(answers)) assert.equal(body.length, 1);
  });

  it('takes no messages for a client that has disconnected', async () => {
    const leaving = new AbortController();
    const left = program(0).consume('gone', { wait: 20 }, leaving.signal);
    await waiting(1);
    leaving.abort();
    await assert.rejects(left);
    await until('nothing is subscribed', async () => {
      return ((await admin.pubsub('SHARDCHANNELS')) as string[]).length === 0;
    });
    await program(0).publish(1);
    assert.equal((await program(0).consume('here')).body.length, 1);
  });

  it('goes on when Redis was restarted meanwhile', async () => {
    const answer = program(0).consume('one', { wait: 20 });
    await waiting(1);
    await server.kill();
    const refused = await program(1).publish(1);
    assert.equal(refused.status, 503);
    assert.ok(Number(refused.headers.get('retry-after')) > 0);
    await server.start();
    await until('it can publish', async () => (await program(1).publish(2)).status === 201);
    assert.equal((await answer).body[0].body, 2);
  });
});
