import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import { ManualClock } from '@queue-manager/service-kit/clock';
import { testEnv, testLogger, until } from '@queue-manager/service-kit/testing';
import { createModel, type Model, observe, serialise } from '../model/model.ts';
import { lineKeys } from '../projection/line-keys.ts';
import { connectLines, type RedisConnection } from '../projection/redis.ts';
import { createEstimates, type Estimates } from './estimates.ts';
import { createModelStore, type ModelStore } from './model-store.ts';

const clock = new ManualClock();

describe('the cache of models', () => {
  let redis: RedisConnection;
  let store: ModelStore;
  let estimates: Estimates;
  let calls: string[];
  /** Plays `learner.learnNow`. */
  let learnNow: (queueId: string) => Promise<void>;

  before(async () => {
    redis = connectLines({
      ...{ url: testEnv('REDIS_URL'), isCluster: false, commandTimeoutMs: 15_000 },
      logger: testLogger,
    });
    await until('Redis is connected', () => redis.client.status === 'ready');
    store = createModelStore({ redis, clock });
  });
  after(() => redis.close());
  beforeEach(() => {
    calls = [];
    learnNow = async () => undefined;
    estimates = createEstimates({
      store,
      learner: {
        wake: (queueId) => calls.push(queueId),
        remind: (queueId) => calls.push(`later ${queueId}`),
        learnNow: async (queueId) => {
          calls.push(`now ${queueId}`);
          await learnNow(queueId);
        },
      },
      logger: testLogger,
    });
  });

  /** A model that differs by `seq`. */
  function modelOf(seq: number): Model {
    const model = createModel();
    observe(model, { kind: 'line', seq, timeMs: clock.now().getTime(), moves: true });
    return model;
  }

  const untaught = serialise(createModel());
  const assertIs = (model: Model, expected: Model) =>
    assert.deepEqual(serialise(model), serialise(expected));

  /** The part of a projection that the model store uses. */
  async function openLine(seq = 9): Promise<string> {
    const queueId = randomUUID();
    await redis.client.hset(
      lineKeys(queueId, clock.now())[0] as string,
      'seq',
      seq,
      'deleted',
      '0',
    );
    return queueId;
  }

  const write = (queueId: string, before: number, seq: number) =>
    store.write(queueId, { before, seq, state: serialise(modelOf(seq)), keptSeq: -1 });

  it('reads a model once for concurrent callers, and again when Redis has a newer one', async () => {
    const queueId = await openLine();
    await write(queueId, -1, 3);
    const asked = Array.from({ length: 3 }, () => estimates.of(queueId, { seq: 3, modelSeq: 3 }));
    assert.ok(asked[0] instanceof Promise && asked.every((answer) => answer === asked[0]));
    assertIs(await asked[0], modelOf(3));

    const known = estimates.of(queueId.toUpperCase(), { seq: 3, modelSeq: 3 });
    assertIs(known as Model, modelOf(3));
    await write(queueId, 3, 5);
    // The cached model is used during the refresh, and kept if Redis loses its own.
    assertIs(estimates.of(queueId, { seq: 5, modelSeq: 5 }) as Model, modelOf(3));
    await until('the newer model is cached', () => estimates.cached(queueId).seq === 5);
    assertIs(estimates.of(queueId, { seq: 5, modelSeq: null }) as Model, modelOf(5));
    assert.deepEqual(calls, [queueId]);
    estimates.of(queueId, { seq: 6, modelSeq: 5 });
    assert.deepEqual(calls, [queueId, `later ${queueId}`]);
  });

  it('returns an untaught model while none is stored, or it is unreadable', async () => {
    const unknown = randomUUID();
    assert.deepEqual(serialise(await estimates.of(unknown, { seq: 1, modelSeq: 1 })), untaught);
    const queueId = await openLine();
    await estimates.prepare(queueId);
    assert.deepEqual(serialise(estimates.cached(queueId)), untaught);
    // The first model to be stored is awaited.
    await write(queueId, -1, 3);
    assertIs(await estimates.of(queueId, { seq: 3, modelSeq: 3 }), modelOf(3));

    const broken = await openLine();
    await store.write(broken, { before: -1, seq: 4, state: Buffer.from('?'), keptSeq: -1 });
    assert.deepEqual(serialise(await estimates.of(broken, { seq: 4, modelSeq: 4 })), untaught);
    assert.ok(calls.includes(broken));
  });

  it('learns a model that Redis has lost before it answers', async () => {
    for (const isOwn of [true, false]) {
      const queueId = await openLine(90);
      learnNow = async () => {
        if (isOwn) estimates.keep(queueId, 90, modelOf(90));
        else await write(queueId, -1, 90);
      };
      const asked = [1, 2].map(() => estimates.of(queueId, { seq: 90, modelSeq: null }));
      for (const model of asked) assertIs(await model, modelOf(90));
      assert.deepEqual(
        calls.filter((how) => how.startsWith('now')),
        [`now ${queueId}`],
      );
      calls = [];
    }
    const watched = await openLine(90);
    learnNow = async () => estimates.keep(watched, 90, modelOf(90));
    await estimates.prepare(watched);
    assertIs(estimates.cached(watched), modelOf(90));
  });

  it('waits for learning once, and no longer than `waitMs`', async () => {
    const queueId = await openLine(90);
    const never = Promise.withResolvers<void>();
    learnNow = () => never.promise;
    const model = await estimates.of(queueId, { seq: 90, modelSeq: null }, 1);
    assert.deepEqual(serialise(model), untaught);
    never.resolve();
    await until('calls no longer wait', async () => {
      const answer = estimates.of(queueId, { seq: 90, modelSeq: null });
      return !(answer instanceof Promise);
    });
    // Too few events to wait for.
    assert.ok(!(estimates.of(await openLine(), { seq: 9, modelSeq: null }) instanceof Promise));
  });

  it('refreshes a model that is read without news from Redis', async () => {
    const queueId = await openLine();
    await write(queueId, -1, 3);
    await estimates.prepare(queueId);
    assertIs(estimates.cached(queueId), modelOf(3));
    await write(queueId, 3, 4);
    await until('the newer model is cached', () => estimates.cached(queueId).seq === 4);
  });

  it('replaces models by newer ones only, and evicts the least recently used', async () => {
    const [first, second] = [await openLine(), await openLine()];
    estimates.keep(first, 7, modelOf(7));
    estimates.keep(second, 7, modelOf(7));
    estimates.keep(first, 6, modelOf(6));
    for (let count = 0; count < 5_000; count += 1) {
      assert.equal(estimates.cached(first).seq, 7);
      estimates.keep(randomUUID(), 1, createModel());
    }
    assert.deepEqual(serialise(estimates.cached(second)), untaught);
  });
});
