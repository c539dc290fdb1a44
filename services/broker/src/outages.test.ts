import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { limits } from '@queue-manager/contracts/values';
import { type RedisServer, startRedis } from '@queue-manager/position/testing';
import { ManualClock } from '@queue-manager/service-kit/clock';
import { until } from '@queue-manager/service-kit/testing';
import { Redis } from 'ioredis';
import {
  type KeyService,
  problemOf,
  startBroker,
  startKeyService,
  type TestBroker,
} from './testing.ts';

describe('broker while Redis is unavailable', () => {
  const clock = new ManualClock();
  let server: RedisServer;
  let keys: KeyService;
  let broker: TestBroker;
  let program: ReturnType<TestBroker['program']>;
  before(async () => {
    server = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always']);
    keys = await startKeyService();
    broker = await startBroker({
      clock,
      keys,
      redisUrl: server.url,
      commandTimeoutMs: 200,
    });
    program = broker.program(keys.newKey().key);
  });
  after(async () => {
    await broker.close();
    await keys.close();
    await server.remove();
  });

  const isReady = async () => (await broker.call('GET', '/readyz')).status === 200;

  async function assertUnavailable(): Promise<void> {
    const answers = await Promise.all([
      program.publish(1),
      program.consume('x'),
      program.finish('x', '1'),
      program.stats(),
    ]);
    for (const answer of answers) {
      assert.equal(problemOf(answer), 'unavailable');
      assert.ok(Number(answer.headers.get('retry-after')) > 0);
    }
    assert.equal(await isReady(), false);
  }

  it('responds with 503 while Redis is silent, and goes on afterwards', async () => {
    const key = { 'idempotency-key': 'order 17' };
    server.signal('SIGSTOP');
    try {
      assert.equal((await program.publish(17, key)).status, 503);
      await assertUnavailable();
    } finally {
      server.signal('SIGCONT');
    }
    await until('it is ready', isReady);
    // Redis may have taken the first publish after its caller was refused; the key makes the two one.
    const published = await until('it is published', async () => {
      const answer = await program.publish(17, key);
      return answer.status === 201 ? answer : null;
    });
    // A consume of before may have locked it, too.
    clock.advance(limits.visibilitySeconds.default);
    const { body } = await program.consume('x', { limit: 100 });
    const ofOrder = body.filter((message: { body: unknown }) => message.body === 17);
    assert.deepEqual(
      ofOrder.map(({ id }: { id: string }) => id),
      [published.body.id],
    );
  });

  it('is not ready, and refuses to publish, while Redis is full', async () => {
    const admin = new Redis(server.url);
    await program.publish('"before"');
    await admin.config('SET', 'maxmemory', '1');
    try {
      assert.equal(problemOf(await program.publish(1)), 'unavailable');
      assert.equal(await isReady(), false);
      const { status, body } = await program.consume('y', { limit: 100 });
      assert.equal(status, 200);
      assert.ok(body.some((message: { body: unknown }) => message.body === 'before'));
    } finally {
      await admin.config('SET', 'maxmemory', '0');
      admin.disconnect();
    }
    await until('it is ready', isReady);
    assert.equal((await program.publish(1)).status, 201);
  });
});
