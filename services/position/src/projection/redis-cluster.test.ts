import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ManualClock } from '@queue-manager/service-kit/clock';
import { until } from '@queue-manager/service-kit/testing';
import {
  LineModel,
  type PositionDouble,
  type QueueServiceDouble,
  startPosition,
  startQueueService,
  startRedisCluster,
} from '../testing.ts';
import { lineKeys, modelFields } from './line-keys.ts';

describe('on a Redis Cluster', () => {
  const clock = new ManualClock();
  let cluster: Awaited<ReturnType<typeof startRedisCluster>>;
  let queueService: QueueServiceDouble;
  let position: PositionDouble;

  const started = new AsyncDisposableStack();
  before(async () => {
    cluster = started.adopt(await startRedisCluster(), (redis) => redis.remove());
    queueService = started.adopt(await startQueueService(), (service) => service.close());
    position = started.adopt(
      await startPosition({
        redisUrl: cluster.url,
        isCluster: true,
        queueService,
        clock,
        learningPace: { everyMs: 10, keepAfterEvents: 1, keepAfterMs: 10, eventsMax: 1_000 },
      }),
      (service) => service.close(),
    );
  });
  after(() => started.disposeAsync());

  it('rebuilds, changes and reads projections on every node', async () => {
    const models = Array.from({ length: 20 }, () => {
      const model = new LineModel(clock);
      model.join();
      model.call(model.join().subject);
      queueService.lines.set(model.queueId, model);
      return model;
    });
    const isRight = async (model: LineModel) => {
      const [partyId] = model.order() as [string];
      const { body } = await position.position(model.ticket(partyId));
      assert.deepEqual([body.position, body.waiting, body.seq], [1, 1, model.queue.seq]);
      const board = await position.board(model.queueId);
      assert.deepEqual([board.status, board.body.called.length], [200, 1]);
      const places = await position.places(model.queueId, [partyId]);
      assert.equal(places.body.places[0].position, 1);
      const asked = { partyId, seq: model.queue.seq, to: { position: 2 } };
      assert.equal((await position.neighbours(model.queueId, asked)).body.from, 1);
    };
    await Promise.all(models.map(isRight));
    assert.equal(queueService.calls.snapshots, models.length);

    const events = models.flatMap((model) => [
      model.end(model.order()[0] as string, 'left'),
      model.join(),
    ]);
    const { status, body } = await position.apply(events);
    assert.equal(status, 200);
    assert.ok(body.answers.every((answer: { outcome: string }) => answer.outcome === 'applied'));
    await Promise.all(models.map(isRight));

    const { redis } = position;
    assert.ok('nodes' in redis);
    for (const node of redis.nodes('master')) {
      assert.ok((await node.dbsize()) > 0, 'a node holds nothing');
      await node.flushall();
    }
    await Promise.all(models.map(isRight));
  });

  it('learns models on every node', async () => {
    for (const model of Array.from({ length: 20 }, () => new LineModel(clock))) {
      model.join();
      queueService.lines.set(model.queueId, model);
      await position.apply(model.events);
      const key = lineKeys(model.queueId, clock.now())[0] as string;
      await until('the model is learned and copied', async () => {
        const known = await position.redis.hmget(key, modelFields.seq, modelFields.keptSeq);
        return known.every((seq) => seq === String(model.queue.seq));
      });
      assert.equal(queueService.models.get(model.queueId)?.seq, model.queue.seq);
    }
  });

  it('is not ready while a node is unavailable', async () => {
    const status = async () => (await position.get('/readyz')).status;
    const [, node] = cluster.nodes;
    assert.ok(node);
    await node.kill();
    await until('readiness reports the outage', async () => (await status()) === 503);
    // From every node's view.
    for (let asked = 0; asked < 20; asked++) assert.equal(await status(), 503);
    await node.start();
    await until('it is whole again', async () => (await status()) === 200);
  });

  it('is correct after a node returned without its last writes', async () => {
    const model = new LineModel(clock);
    const [first, second] = [model.join().subject, model.join().subject];
    queueService.lines.set(model.queueId, model);
    const place = async () => (await position.position(model.ticket(second))).body.position;
    const isAt = async (wanted: number) => {
      const { status, body } = await position.position(model.ticket(second));
      assert.deepEqual([status, body.position], [200, wanted], JSON.stringify(body));
    };
    // The node killed by the previous test may have only just rejoined.
    await until('the projection exists', async () => (await place()) === 2);
    const { redis } = position;
    assert.ok('nodes' in redis);
    for (const node of redis.nodes('master')) await node.save();
    await position.apply([model.call(first)]);
    await isAt(1);

    for (const node of cluster.nodes) {
      await node.kill();
      await node.start();
    }
    await until('the cluster is whole again', async () => (await place()) !== undefined);
    await isAt(1);
    // Every node takes a write again, a moment after this line's has.
    await until('it is ready', async () => (await position.get('/readyz')).status === 200);
  });
});
