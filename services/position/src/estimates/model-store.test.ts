import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ManualClock } from '@queue-manager/service-kit/clock';
import { dayMs } from '@queue-manager/service-kit/durations';
import { testEnv, testLogger, until } from '@queue-manager/service-kit/testing';
import { lineKeys } from '../projection/line-keys.ts';
import { connectLines } from '../projection/redis.ts';
import {
  LineModel,
  type PositionDouble,
  type QueueServiceDouble,
  startPosition,
  startQueueService,
} from '../testing.ts';
import { createModelStore, type ModelStore } from './model-store.ts';

const clock = new ManualClock();

describe('the model store', () => {
  let queueService: QueueServiceDouble;
  let position: PositionDouble;
  let store: ModelStore;

  const started = new AsyncDisposableStack();
  before(async () => {
    const redisUrl = testEnv('REDIS_URL');
    queueService = started.adopt(await startQueueService(), (service) => service.close());
    position = started.adopt(await startPosition({ redisUrl, queueService, clock }), (service) =>
      service.close(),
    );
    const redis = started.adopt(
      connectLines({
        ...{ url: redisUrl, isCluster: false, commandTimeoutMs: 15_000 },
        logger: testLogger,
      }),
      (connection) => connection.close(),
    );
    await until('Redis is connected', () => redis.client.status === 'ready');
    store = createModelStore({ redis, clock });
  });
  after(() => started.disposeAsync());

  /** A queue with a projection. */
  async function openLine(): Promise<LineModel> {
    const line = new LineModel(clock);
    queueService.lines.set(line.queueId, line);
    await position.apply(line.events);
    return line;
  }

  const lesson = (before: number, seq: number, keptSeq = -1) => ({
    before,
    seq,
    state: Buffer.from([0, 255, seq]),
    keptSeq,
  });

  it('accepts one of several concurrent successors of a model', async () => {
    const { queueId } = await openLine();
    const nothing = { lineSeq: 1, isDeleted: false, seq: -1, state: null, keptSeq: -1 };
    assert.deepEqual(await store.read(queueId), nothing);
    const tries = [5, 6, 7, 8].map((seq) => store.write(queueId, lesson(-1, seq)));
    assert.equal((await Promise.all(tries)).filter((isWritten) => isWritten).length, 1);
    const { seq } = (await store.read(queueId)) ?? nothing;

    assert.equal(await store.write(queueId, lesson(seq - 1, 20)), false);
    assert.equal(await store.write(queueId, lesson(-1, 20)), false);
    assert.equal(await store.write(queueId, lesson(seq, 9, 3)), true);
    const { state } = lesson(seq, 9);
    assert.deepEqual(await store.read(queueId), { ...nothing, seq: 9, state, keptSeq: 3 });
  });

  it('never decreases `keptSeq`', async () => {
    const { queueId } = await openLine();
    await store.write(queueId, lesson(-1, 5, 4));
    for (const [kept, known] of [
      [3, 4],
      [5, 5],
      [4, 5],
    ] as const) {
      await store.noteKept(queueId, kept);
      assert.equal((await store.read(queueId))?.keptSeq, known);
    }
    assert.equal(await store.write(queueId, lesson(5, 6, 2)), true);
    assert.equal((await store.read(queueId))?.keptSeq, 5);
  });

  it('needs a projection, expires with it, and survives its rebuild', async () => {
    const gone = new LineModel(clock);
    assert.equal(await store.write(gone.queueId, lesson(-1, 1)), false);
    await store.noteKept(gone.queueId, 1);
    assert.equal(await store.read(gone.queueId), null);
    const metaOf = ({ queueId }: LineModel) => lineKeys(queueId, clock.now())[0] as string;
    assert.equal(await position.redis.exists(metaOf(gone)), 0);

    const line = await openLine();
    await store.write(line.queueId, lesson(-1, 1, 1));
    const expiresMs = await position.redis.pttl(metaOf(line));
    assert.ok(expiresMs > 6 * dayMs && expiresMs <= 7 * dayMs);

    const { seq, state, keptSeq } = (await store.read(line.queueId)) ?? {};
    line.join();
    // Incomplete: meta counts more waiting parties than there are.
    await position.redis.hset(metaOf(line), 'waiting', 7);
    const { body } = await position.board(line.queueId);
    assert.equal(body.waiting, 1);
    assert.deepEqual(await store.read(line.queueId), {
      ...{ lineSeq: 2, isDeleted: false },
      ...{ seq, state, keptSeq },
    });
  });
});
