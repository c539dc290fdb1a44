import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import { ManualClock } from '@queue-manager/service-kit/clock';
import { testEnv, testLogger, until } from '@queue-manager/service-kit/testing';
import { createModel, type Model, observe, serialise } from '../model/model.ts';
import { lineKeys } from '../projection/line-keys.ts';
import { connectLines, type RedisConnection } from '../projection/redis.ts';
import { createEstimates, type Estimates } from './estimates.ts';
import { createLearnedStore, type LearnedStore } from './model-store.ts';

const clock = new ManualClock();

describe('models at hand', () => {
  let redis: RedisConnection;
  let store: LearnedStore;
  let estimates: Estimates;
  let wakened: string[];
  /** What is learned when it is asked for at once. */
  let learnNow: (queueId: string) => Promise<void>;

  before(async () => {
    redis = connectLines({
      ...{ url: testEnv('REDIS_URL'), isCluster: false, commandTimeoutMs: 15_000 },
      logger: testLogger,
    });
    await until('Redis is connected', () => redis.client.status === 'ready');
    store = createLearnedStore({ redis, clock });
  });
  after(() => redis.close());
  beforeEach(() => {
    wakened = [];
    learnNow = async () => undefined;
    estimates = createEstimates({
      store,
      learner: {
        wake: (queueId) => wakened.push(queueId),
        remind: (queueId) => wakened.push(`later ${queueId}`),
        now: async (queueId) => {
          wakened.push(`now ${queueId}`);
          await learnNow(queueId);
        },
      },
      logger: testLogger,
    });
  });

  /** A model that can be told from another. */
  function modelOf(seq: number): Model {
    const model = createModel();
    observe(model, { kind: 'line', seq, timeMs: clock.now().getTime(), moves: true });
    return model;
  }

  const untaught = serialise(createModel());
  const assertIs = (model: Model, expected: Model) =>
    assert.deepEqual(serialise(model), serialise(expected));

  /** As much of a line as what is learned stands beside. */
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

  it('are read once, however many ask, and anew when Redis tells of a later one', async () => {
    const queueId = await openLine();
    await write(queueId, -1, 3);
    const asked = Array.from({ length: 3 }, () => estimates.of(queueId, { seq: 3, modelSeq: 3 }));
    assert.ok(asked[0] instanceof Promise && asked.every((answer) => answer === asked[0]));
    assertIs(await asked[0], modelOf(3));

    const known = estimates.of(queueId.toUpperCase(), { seq: 3, modelSeq: 3 });
    assertIs(known as Model, modelOf(3));
    await write(queueId, 3, 5);
    // The one at hand answers while the other is fetched; what Redis has lost is no reason to forget it.
    assertIs(estimates.of(queueId, { seq: 5, modelSeq: 5 }) as Model, modelOf(3));
    await until('the later one is at hand', () => estimates.atHand(queueId).seq === 5);
    assertIs(estimates.of(queueId, { seq: 5, modelSeq: null }) as Model, modelOf(5));
    assert.deepEqual(wakened, [queueId]);
    estimates.of(queueId, { seq: 6, modelSeq: 5 });
    assert.deepEqual(wakened, [queueId, `later ${queueId}`]);
  });

  it('know nothing while there is nothing, or nothing that can be read', async () => {
    const unknown = randomUUID();
    assert.deepEqual(serialise(await estimates.of(unknown, { seq: 1, modelSeq: 1 })), untaught);
    const queueId = await openLine();
    await estimates.prepare(queueId);
    assert.deepEqual(serialise(estimates.atHand(queueId)), untaught);
    // The first that was learned is waited for.
    await write(queueId, -1, 3);
    assertIs(await estimates.of(queueId, { seq: 3, modelSeq: 3 }), modelOf(3));

    const broken = await openLine();
    await store.write(broken, { before: -1, seq: 4, state: Buffer.from('?'), keptSeq: -1 });
    assert.deepEqual(serialise(await estimates.of(broken, { seq: 4, modelSeq: 4 })), untaught);
    assert.ok(wakened.includes(broken));
  });

  it('are learned at once, and waited for, where Redis has lost them', async () => {
    for (const isOwn of [true, false]) {
      const queueId = await openLine(90);
      learnNow = async () => {
        if (isOwn) estimates.learned(queueId, 90, modelOf(90));
        else await write(queueId, -1, 90);
      };
      const asked = [1, 2].map(() => estimates.of(queueId, { seq: 90, modelSeq: null }));
      for (const model of asked) assertIs(await model, modelOf(90));
      assert.deepEqual(
        wakened.filter((how) => how.startsWith('now')),
        [`now ${queueId}`],
      );
      wakened = [];
    }
    const watched = await openLine(90);
    learnNow = async () => estimates.learned(watched, 90, modelOf(90));
    await estimates.prepare(watched);
    assertIs(estimates.atHand(watched), modelOf(90));
  });

  it('are waited for once, and no longer than was said', async () => {
    const queueId = await openLine(90);
    const never = Promise.withResolvers<void>();
    learnNow = () => never.promise;
    const model = await estimates.of(queueId, { seq: 90, modelSeq: null }, 1);
    assert.deepEqual(serialise(model), untaught);
    never.resolve();
    await until('nobody waits any more', async () => {
      const answer = estimates.of(queueId, { seq: 90, modelSeq: null });
      return !(answer instanceof Promise);
    });
    // Nothing to learn from is not waited for.
    assert.ok(!(estimates.of(await openLine(), { seq: 9, modelSeq: null }) instanceof Promise));
  });

  it('are looked at now and then by whoever does not hear of them', async () => {
    const queueId = await openLine();
    await write(queueId, -1, 3);
    await estimates.prepare(queueId);
    assertIs(estimates.atHand(queueId), modelOf(3));
    await write(queueId, 3, 4);
    await until('the later one is at hand', () => estimates.atHand(queueId).seq === 4);
  });

  it('take the place of older ones only, and are a bounded number of those asked for', async () => {
    const [first, second] = [await openLine(), await openLine()];
    estimates.learned(first, 7, modelOf(7));
    estimates.learned(second, 7, modelOf(7));
    estimates.learned(first, 6, modelOf(6));
    for (let count = 0; count < 5_000; count += 1) {
      assert.equal(estimates.atHand(first).seq, 7);
      estimates.learned(randomUUID(), 1, createModel());
    }
    assert.deepEqual(serialise(estimates.atHand(second)), untaught);
  });
});
