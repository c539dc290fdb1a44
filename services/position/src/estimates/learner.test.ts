import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { lanes } from '@queue-manager/contracts/parties';
import type { Position } from '@queue-manager/contracts/positions';
import { ManualClock } from '@queue-manager/service-kit/clock';
import { until } from '@queue-manager/service-kit/testing';
import { Redis } from 'ioredis';
import { openStream } from '../live/testing.ts';
import { toLearningEvent } from '../model/learning-event.ts';
import {
  createModel,
  estimate,
  type Model,
  modelName,
  observe,
  serialise,
} from '../model/model.ts';
import { lineKeys, modelFields } from '../projection/line-keys.ts';
import {
  historyOf,
  LineModel,
  type PositionDouble,
  type QueueServiceDouble,
  type RedisServer,
  startPosition,
  startQueueService,
  startRedis,
} from '../testing.ts';
import type { LearningPace } from './learner.ts';

const clock = new ManualClock();

/** Learns at once, and hands over what was learned at once. */
const eager: LearningPace = {
  everyMs: 10,
  keepAfterEvents: 1,
  keepAfterMs: 10,
  eventsMax: 20_000,
};
const hour = 3_600_000;
const keepsLate = { ...eager, keepAfterEvents: Number.POSITIVE_INFINITY, keepAfterMs: hour };

describe('what is learned of a line', () => {
  let redis: RedisServer;
  let queueService: QueueServiceDouble;
  const started = new AsyncDisposableStack();
  const apps = new Set<PositionDouble>();

  before(async () => {
    redis = started.adopt(await startRedis(), (server) => server.remove());
    queueService = started.adopt(await startQueueService(), (service) => service.close());
  });
  after(() => started.disposeAsync());
  beforeEach(async (test) => {
    queueService.isAway = false;
    (test as unknown as { after(work: () => Promise<void>): void }).after(async () => {
      await Promise.all(Array.from(apps, (app) => app.close()));
      apps.clear();
    });
  });

  async function start(learningPace: LearningPace = eager): Promise<PositionDouble> {
    const app = await startPosition({ redisUrl: redis.url, queueService, clock, learningPace });
    apps.add(app);
    return app;
  }

  async function stop(app: PositionDouble): Promise<void> {
    apps.delete(app);
    await app.close();
  }

  function openLine(): LineModel {
    const line = new LineModel(clock);
    queueService.lines.set(line.queueId, line);
    return line;
  }

  /** An evening of joining, being called, giving up and a pause, and some who still wait. */
  function playEvening(line: LineModel, parties = 40): void {
    for (let count = 1; count <= parties; count += 1) {
      clock.advance(50 + ((count * 37) % 90));
      line.join(count % 7 === 0 ? 'priority' : 'regular');
      const [first, second] = line.order();
      if (count > 5 && first !== undefined) line.call(first);
      if (count % 11 === 0 && second !== undefined) line.end(second, 'left');
      if (count === 20) {
        line.changeQueue({ state: 'paused' });
        clock.advance(1_200);
        line.changeQueue({ state: 'open' });
      }
    }
  }

  async function apply(app: PositionDouble, line: LineModel): Promise<void> {
    for (let at = 0; at < line.events.length; at += 1_000) {
      const { status } = await app.apply(line.events.slice(at, at + 1_000));
      assert.equal(status, 200);
    }
  }

  /** What the events teach when each is learned once, in its turn. */
  function taught(line: LineModel, from = 0): Model {
    const model = createModel();
    for (const event of line.events.slice(from)) {
      const lesson = toLearningEvent(historyOf(event));
      if (lesson !== null) observe(model, lesson);
    }
    return model;
  }

  const metaKey = (line: LineModel) => lineKeys(line.queueId, clock.now())[0] as string;

  /** What Redis holds, once it is of the line's last event. */
  const learned = (app: PositionDouble, line: LineModel) =>
    until('the line is learned', async () => {
      const seq = await app.redis.hget(metaKey(line), modelFields.seq);
      if (Number(seq ?? -1) !== line.queue.seq) return null;
      return app.redis.hgetBuffer(metaKey(line), modelFields.state);
    });

  const kept = (line: LineModel) =>
    until('what was learned is kept', () => {
      const model = queueService.models.get(line.queueId);
      return model?.seq === line.queue.seq ? model : null;
    });

  it('is there for the first who asks after Redis and every process were lost', async () => {
    const line = openLine();
    const one = await start();
    playEvening(line);
    await apply(one, line);
    await learned(one, line);
    await stop(one);
    const ticket = line.ticket(line.order().at(-1) as string);
    const model = taught(line);
    // Later is never: what is not waited for is not learned here.
    const later = { ...eager, everyMs: hour };
    for (const look of ['ask', 'watch']) {
      const app = await start(later);
      await app.redis.flushall();
      let told: Position;
      if (look === 'ask') {
        told = (await app.position(ticket)).body;
      } else {
        const base = await app.app.listen({ host: '127.0.0.1', port: 0 });
        const stream = await openStream(`${base}/v1/live/tickets/${ticket}`);
        await until('the first event comes', () => stream.events.length > 0);
        told = stream.last<Position>();
        stream.close();
      }
      const { ahead, waiting } = told;
      assert.ok(ahead !== null && told.estimate !== null);
      const nowMs = clock.now().getTime();
      const { p10, p50, p90 } = told.estimate;
      assert.deepEqual(
        { p10, p50, p90 },
        estimate(model, { ahead, lane: 'regular', waiting, nowMs }),
      );
      await stop(app);
    }
  });

  it('is what its events teach, each once and in its turn, however many learn at a time', async () => {
    const line = openLine();
    const [one, two] = [await start(), await start()];
    for (let hours = 0; hours < 8; hours += 1) {
      const known = line.events.length;
      playEvening(line, 30);
      const events = line.events.slice(hours === 0 ? 0 : known);
      await Promise.all([one.apply(events), two.apply(events)]);
    }
    const state = await learned(one, line);
    assert.deepEqual(state, serialise(taught(line)));
    assert.deepEqual(await kept(line), {
      seq: line.queue.seq,
      model: modelName,
      state: state.toString('base64'),
    });
    const noted = () => one.redis.hget(metaKey(line), modelFields.keptSeq);
    await until('that is noted', async () => (await noted()) === String(line.queue.seq));
  });

  it('is what every process answers with, of whatever lane', async () => {
    const line = openLine();
    const [one, two] = [await start(), await start()];
    playEvening(line);
    for (const lane of ['priority', 'regular', 'priority', 'regular'] as const) line.join(lane);
    await apply(one, line);
    await learned(one, line);
    clock.advance(60);
    const order = line.order();
    const model = taught(line);
    const asOf = clock.now().toISOString();
    const nowMs = clock.now().getTime();
    const wait = (ahead: number, lane: (typeof lanes)[number], waiting = order.length) => ({
      ...estimate(model, { ahead, lane, waiting, nowMs }),
      model: modelName,
      asOf,
    });
    for (const app of [one, two]) {
      await until('it has heard of the model', async () => {
        const { body } = await app.position(line.ticket(order[0] as string));
        return body.estimate.p50 === wait(0, 'priority').p50;
      });
      const places = (await app.places(line.queueId, order)).body;
      for (const [ahead, partyId] of order.entries()) {
        const lane = line.parties.get(partyId)?.lane ?? 'regular';
        assert.deepEqual(places.places[ahead], {
          position: ahead + 1,
          estimate: wait(ahead, lane),
        });
        const { body } = await app.position(line.ticket(partyId));
        assert.deepEqual(body.estimate, wait(ahead, lane));
      }
      const ifJoined = wait(order.length, 'regular', order.length + 1);
      assert.deepEqual(places.estimateIfJoined, ifJoined);
      assert.deepEqual((await app.board(line.queueId)).body.estimate, ifJoined);
    }
    assert.deepEqual(
      lanes.map((lane) => order.filter((id) => line.parties.get(id)?.lane === lane).length > 0),
      [true, true],
    );

    // Who joins is told by what was learned until a moment ago.
    const joined = await two.apply([line.join()]);
    assert.deepEqual(
      joined.body.answers[0].place.estimate,
      wait(order.length, 'regular', order.length + 1),
    );
  });

  it('costs a look nothing: it is one command to Redis', async () => {
    const line = openLine();
    const app = await start();
    playEvening(line);
    await apply(app, line);
    await kept(line);
    const [ticket] = line.order().map((partyId) => line.ticket(partyId));
    await until('the model is at hand', async () => {
      const { body } = await app.position(ticket as string);
      return body.estimate.p50 !== estimateOfNothing(line).p50;
    });
    const client = new Redis(redis.url);
    const monitor = await client.monitor();
    const commands: string[] = [];
    monitor.on('monitor', (_time, [name, ...rest]: string[], source: string) => {
      if (source !== 'lua' && rest.some((text) => text.includes(line.queueId))) {
        commands.push((name as string).toLowerCase());
      }
    });
    for (let times = 0; times < 10; times += 1) await app.position(ticket as string);
    await app.redis.get(`the end of {${line.queueId}}`);
    await until('the last command was seen', () => commands.at(-1) === 'get');
    monitor.disconnect();
    client.disconnect();
    assert.deepEqual(commands, [...Array(10).fill('evalsha'), 'get']);
  });

  const estimateOfNothing = (line: LineModel) =>
    estimate(createModel(), {
      ...{ ahead: 0, lane: 'regular', waiting: line.order().length },
      nowMs: clock.now().getTime(),
    });

  it('comes back from the kept model and the events behind it when Redis is emptied', async () => {
    const line = openLine();
    const app = await start({ ...eager, keepAfterEvents: 30, keepAfterMs: hour });
    playEvening(line, 300);
    assert.ok(line.events.length > 500, 'more than a page of them');
    await apply(app, line);
    await learned(app, line);
    const { seq } = await until('some of it is kept', () => queueService.models.get(line.queueId));
    playEvening(line, 8);
    const state = serialise(taught(line));
    await app.apply(line.events.slice(seq));
    assert.deepEqual(await learned(app, line), state);
    assert.ok((queueService.models.get(line.queueId)?.seq ?? 0) < line.queue.seq);

    const eventsAsked = queueService.calls.events;
    await app.redis.flushall();
    const ticket = line.ticket(line.order()[0] as string);
    assert.equal((await app.position(ticket)).status, 200);
    assert.deepEqual(await learned(app, line), state);
    assert.equal(queueService.calls.events, eventsAsked + 1, 'more than what is behind the copy');

    // Another process, which never held the model.
    await app.redis.flushall();
    const other = await start();
    assert.equal((await other.position(ticket)).status, 200);
    assert.deepEqual(await learned(other, line), state);
  });

  it('comes back from the events alone when nothing was kept', async () => {
    const line = openLine();
    const app = await start(keepsLate);
    playEvening(line, 300);
    assert.ok(line.events.length > 500, 'more than a page of them');
    await apply(app, line);
    const state = await learned(app, line);
    assert.deepEqual(state, serialise(taught(line)));
    assert.equal(queueService.models.get(line.queueId), undefined);
    await app.redis.flushall();
    assert.equal((await app.board(line.queueId)).status, 200);
    assert.deepEqual(await learned(app, line), state);
  });

  it('goes on where another process has left it', async () => {
    const line = openLine();
    const first = await start(keepsLate);
    playEvening(line);
    await apply(first, line);
    await learned(first, line);
    // As if it had died: it neither keeps nor learns any more.
    queueService.isAway = true;
    await stop(first);
    assert.equal(queueService.models.get(line.queueId), undefined);
    queueService.isAway = false;
    const second = await start();
    const known = line.events.length;
    playEvening(line, 5);
    await second.apply(line.events.slice(known));
    assert.deepEqual(await learned(second, line), serialise(taught(line)));
    await kept(line);
  });

  it('is kept when the process ends', async () => {
    const line = openLine();
    const app = await start(keepsLate);
    playEvening(line);
    await apply(app, line);
    const state = await learned(app, line);
    await stop(app);
    assert.equal(queueService.models.get(line.queueId)?.state, state.toString('base64'));
  });

  it('starts anew from the latest events where another rule, or what cannot be read, was kept', async () => {
    for (const model of ['some-rule-0', modelName]) {
      const line = openLine();
      playEvening(line);
      queueService.models.set(line.queueId, {
        ...{ seq: line.queue.seq - 3, model },
        state: Buffer.from('what another version wrote').toString('base64'),
      });
      const app = await start({ ...eager, eventsMax: 20 });
      await apply(app, line);
      const state = await learned(app, line);
      assert.deepEqual(state, serialise(taught(line, line.events.length - 20)));
      assert.equal((await kept(line)).state, state.toString('base64'));

      // As somebody who has not read it yet.
      await app.redis.hset(metaKey(line), modelFields.state, 'cut short');
      queueService.models.delete(line.queueId);
      const other = await start({ ...eager, eventsMax: 20 });
      assert.equal((await other.board(line.queueId)).status, 200);
      await until('it is another one', async () => (await learned(app, line)).length > 20);
      assert.deepEqual(await learned(app, line), serialise(taught(line, line.events.length - 20)));
      await stop(app);
    }
  });

  it('waits while the queue service is away, and nobody else does', async () => {
    const line = openLine();
    const app = await start();
    await apply(app, line);
    await learned(app, line);
    queueService.isAway = true;
    const known = line.events.length;
    playEvening(line);
    const { status, body } = await app.apply(line.events.slice(known));
    assert.equal(status, 200);
    assert.ok(body.answers.every(({ outcome }: { outcome: string }) => outcome === 'applied'));
    const ticket = line.ticket(line.order()[0] as string);
    for (let times = 0; times < 5; times += 1) {
      const answer = await app.position(ticket);
      assert.deepEqual([answer.status, answer.body.position], [200, 1]);
    }
    // It tries again by itself.
    const { events } = queueService.calls;
    await until('it has tried again', () => queueService.calls.events > events + 3);
    queueService.isAway = false;
    assert.deepEqual(await learned(app, line), serialise(taught(line)));
  });

  it('is asked for only while the line changes, and not at all once the queue is deleted', async () => {
    const line = openLine();
    const app = await start();
    playEvening(line, 10);
    await apply(app, line);
    await kept(line);
    const { events } = queueService.calls;
    const other = openLine();
    await apply(app, line);
    await app.board(line.queueId);
    await apply(app, other);
    await learned(app, other);
    assert.equal(queueService.calls.events, events + 1);

    await app.apply([line.changeQueue({ state: 'closed', deleted: true })]);
    await app.apply([other.join()]);
    await learned(app, other);
    assert.equal(queueService.calls.events, events + 2);
  });
});
