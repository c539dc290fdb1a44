import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Board } from '@queue-manager/contracts/positions';
import { ManualClock } from '@queue-manager/service-kit/clock';
import { testEnv, until } from '@queue-manager/service-kit/testing';
import {
  LineModel,
  type PositionDouble,
  type QueueServiceDouble,
  startPosition,
  startQueueService,
} from '../testing.ts';
import { openStream, type TestStream } from './testing.ts';

describe('GET /v1/live/boards/{queueId}', () => {
  const clock = new ManualClock();
  const started = new AsyncDisposableStack();
  const opened: TestStream[] = [];
  let queueService: QueueServiceDouble;
  let position: PositionDouble;
  let base: string;

  before(async () => {
    queueService = started.adopt(await startQueueService(), (service) => service.close());
    position = started.adopt(
      await startPosition({ redisUrl: testEnv('REDIS_URL'), queueService, clock }),
      (service) => service.close(),
    );
    base = await position.app.listen({ host: '127.0.0.1', port: 0 });
  });
  afterEach(() => {
    for (const stream of opened.splice(0)) stream.close();
  });
  after(() => started.disposeAsync());

  async function watch(queueId: string): Promise<TestStream> {
    const stream = await openStream(`${base}/v1/live/boards/${queueId}`);
    opened.push(stream);
    assert.equal(stream.status, 200, stream.text());
    await until('the first event comes', () => stream.events.length > 0);
    return stream;
  }

  async function applied(model: LineModel): Promise<LineModel> {
    queueService.lines.set(model.queueId, model);
    await position.apply(model.events);
    return model;
  }

  const labelsOf = (board: Board) => board.called.map(({ label }) => label);

  it('sends the board at once, and then every change', async () => {
    const model = new LineModel(clock);
    const [first, second] = [model.join().subject, model.join().subject];
    await applied(model);
    const stream = await watch(model.queueId);
    assert.equal(stream.headers['cache-control'], 'no-store, no-transform');
    assert.equal(stream.events[0]?.name, 'board');
    assert.deepEqual(stream.last(), (await position.board(model.queueId)).body);

    const changes = [
      () => model.call(first),
      () => model.call(second),
      () => model.end(first, 'seated'),
      () => model.change(second, { state: 'waiting' }),
      () => model.changeQueue({ state: 'paused', name: 'Bar' }),
      () => model.join(),
    ];
    for (const change of changes) {
      await position.apply([change()]);
      const { body } = await position.board(model.queueId);
      await stream.lastIs<Board>(
        'it shows what GET shows',
        (board) => JSON.stringify(board) === JSON.stringify(body),
      );
    }
  });

  it('sends many changes in few events', async () => {
    const model = new LineModel(clock);
    const ids = Array.from({ length: 100 }, () => model.join().subject);
    await applied(model);
    const stream = await watch(model.queueId);
    const startedAt = performance.now();
    for (const id of ids) await position.apply([model.call(id)]);
    await stream.lastIs<Board>('the line is empty', ({ waiting }) => waiting === 0);
    const ticks = Math.floor((performance.now() - startedAt) / 100);
    assert.ok(stream.events.length <= ticks + 3, `${stream.events.length} in ${ticks} ticks`);
  });

  it('shows names if the queue is set to, read once for all watchers', async () => {
    const model = new LineModel(clock, { boardLabels: 'name' });
    const first = model.join().subject;
    await applied(model);
    queueService.labels.set(first, 'Zoë K.');
    const streams = await Promise.all(Array.from({ length: 20 }, () => watch(model.queueId)));
    const before = queueService.calls.labels;
    await position.apply([model.call(first)]);
    for (const stream of streams) {
      await stream.lastIs<Board>('it shows her', (board) => labelsOf(board)[0] === 'Zoë K.');
    }
    assert.equal(queueService.calls.labels, before + 1);
  });

  it('ends when the queue is deleted', async () => {
    const model = await applied(new LineModel(clock));
    const stream = await watch(model.queueId);
    await position.apply([model.changeQueue({ deleted: true })]);
    await stream.ended();
    assert.equal((await fetch(`${base}/v1/live/boards/${model.queueId}`)).status, 404);
  });

  it('accepts an upper-case id for the same queue', async () => {
    const model = await applied(new LineModel(clock));
    const stream = await watch(model.queueId.toUpperCase());
    await position.apply([model.join()]);
    await stream.lastIs<Board>('one waits', ({ waiting }) => waiting === 1);
  });

  it('returns 404 for an unknown queue and for a malformed id', async () => {
    for (const id of [randomUUID(), 'nonsense']) {
      const answer = await fetch(`${base}/v1/live/boards/${id}`);
      assert.equal(answer.status, 404);
      assert.match(answer.headers.get('content-type') ?? '', /problem\+json/);
    }
  });

  it('continues for others when one disconnects, and starts over after the last', async () => {
    const model = await applied(new LineModel(clock));
    const [one, other] = [await watch(model.queueId), await watch(model.queueId)];
    one.close();
    await position.apply([model.join()]);
    await other.lastIs<Board>('one waits', ({ waiting }) => waiting === 1);
    other.close();
    await position.apply([model.join()]);
    const again = await watch(model.queueId);
    await again.lastIs<Board>('two wait', ({ waiting }) => waiting === 2);
    await position.apply([model.join()]);
    await again.lastIs<Board>('three wait', ({ waiting }) => waiting === 3);
  });
});
