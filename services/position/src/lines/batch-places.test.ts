import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ManualClock } from '@queue-manager/service-kit/clock';
import {
  LineModel,
  type PositionDouble,
  type QueueServiceDouble,
  type RedisServer,
  startPosition,
  startQueueService,
  startRedis,
} from '../testing.ts';

describe('positions read in the same tick', () => {
  const clock = new ManualClock();
  let redis: RedisServer;
  let queueService: QueueServiceDouble;
  let service: PositionDouble;
  before(async () => {
    redis = await startRedis();
    queueService = await startQueueService();
    service = await startPosition({ redisUrl: redis.url, queueService, clock });
  });
  after(async () => {
    await service.close();
    await queueService.close();
    await redis.remove();
  });

  async function lineOf(count: number) {
    const line = new LineModel(clock);
    queueService.lines.set(line.queueId, line);
    for (let index = 0; index < count; index++) line.join();
    assert.equal((await service.board(line.queueId)).status, 200);
    return line;
  }

  /** Number of scripts that Redis has run. */
  async function scriptsRun(): Promise<number> {
    const stats = await service.redis.info('commandstats');
    return Number(/^cmdstat_evalsha:calls=(\d+)/m.exec(stats)?.[1]);
  }

  const ask = (line: LineModel, partyIds: readonly string[]) =>
    Promise.all(partyIds.map((partyId) => service.position(line.ticket(partyId))));

  it('share commands, and each get their own answer', async () => {
    const line = await lineOf(450);
    const parties = line.order();
    await ask(line, parties.slice(0, 1));
    const before = await scriptsRun();
    const answers = await ask(line, parties);
    assert.deepEqual(
      answers.map(({ body }) => body.position),
      parties.map((_, index) => index + 1),
    );
    assert.ok((await scriptsRun()) - before <= 20);
  });

  it('are not mixed with other queues, and one failure does not affect the others', async () => {
    const [one, other] = [await lineOf(3), await lineOf(3)];
    const [first, second] = one.order() as [string, string];
    const [third] = other.order() as [string];
    await service.apply([one.end(second, 'left')]);
    const answers = await Promise.all([ask(one, [first, second]), ask(other, [third])]);
    assert.deepEqual(
      answers.flat().map(({ body }) => [body.state, body.position, body.waiting]),
      [
        ['waiting', 1, 2],
        ['left', null, 2],
        ['waiting', 1, 3],
      ],
    );
    const stranger = new LineModel(clock);
    const [good, unknown] = await Promise.all([
      service.position(one.ticket(first)),
      service.position(stranger.ticket(first)),
    ]);
    assert.deepEqual([good.status, unknown.status], [200, 404]);
  });
});
