import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { PartySnapshot } from '@queue-manager/contracts/events';
import { type Lane, lanes } from '@queue-manager/contracts/parties';
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

/** Learns and copies models at once. */
const eager: LearningPace = {
  everyMs: 10,
  keepAfterEvents: 1,
  keepAfterMs: 10,
  eventsMax: 20_000,
};
const hour = 3_600_000;
const keepsLate = { ...eager, keepAfterEvents: Number.POSITIVE_INFINITY, keepAfterMs: hour };

describe('the learner', () => {
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
    queueService.isUnavailable = false;
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

  /** An evening of joins, calls, walk-aways and a pause; some parties still wait. */
  function playEvening(line: LineModel, parties = 40): void {
    for (let count = 1; count <= parties; count += 1) {
      clock.advance(50 + ((count * 37) % 90));
      line.join(count % 7 === 0 ? 'priority' : 'regular', 1 + ((count * 5) % 8));
      const [first, second] = line.order();
      if (count > 5 && first !== undefined) line.call(first);
      if (count % 11 === 0 && second !== undefined) line.end(second, 'left');
      const last = line.order().at(-1);
      if (count % 13 === 0 && last !== undefined) line.change(last, { size: 9 });
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

  /** The model after learning each event once, in order. */
  function taught(line: LineModel, from = 0): Model {
    const model = createModel();
    for (const event of line.events.slice(from)) {
      const lesson = toLearningEvent(historyOf(event));
      if (lesson !== null) observe(model, lesson);
    }
    return model;
  }

  const metaKey = (line: LineModel) => lineKeys(line.queueId, clock.now())[0] as string;

  /** The model in Redis, once it has learned the last event. */
  const learned = (app: PositionDouble, line: LineModel) =>
    until('all events are learned', async () => {
      const seq = await app.redis.hget(metaKey(line), modelFields.seq);
      if (Number(seq ?? -1) !== line.queue.seq) return null;
      return app.redis.hgetBuffer(metaKey(line), modelFields.state);
    });

  const kept = (line: LineModel) =>
    until('the model is copied', () => {
      const model = queueService.models.get(line.queueId);
      return model?.seq === line.queue.seq ? model : null;
    });

  /** Waits until Redis has noted the copy, the last command of learning. */
  const copyNoted = (app: PositionDouble, line: LineModel) =>
    until('the copy is noted', async () => {
      const noted = await app.redis.hget(metaKey(line), modelFields.keptSeq);
      return noted === String(line.queue.seq);
    });

  it('recovers the model for the first reader after Redis and all processes were lost', async () => {
    const line = openLine();
    const one = await start();
    playEvening(line);
    await apply(one, line);
    await learned(one, line);
    await stop(one);
    const last = line.order().at(-1) as string;
    const ticket = line.ticket(last);
    const size = line.parties.get(last)?.size ?? null;
    const model = taught(line);
    // Scheduled learning never runs here, so what is not awaited is not learned.
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
        estimate(model, { ahead, lane: 'regular', size, waiting, nowMs }),
      );
      await stop(app);
    }
  });

  it('learns each event once and in order, with several processes learning', async () => {
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
    await copyNoted(one, line);
  });

  it('gives the same estimates in every process and lane', async () => {
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
    const wait = (
      ahead: number,
      { lane, size }: { lane: Lane; size: number | null },
      waiting = order.length,
    ) => ({
      ...estimate(model, { ahead, lane, size, waiting, nowMs }),
      model: modelName,
      asOf,
    });
    const partyAt = (index: number) => line.parties.get(order[index] as string) as PartySnapshot;
    for (const app of [one, two]) {
      await until('it has the model', async () => {
        const { body } = await app.position(line.ticket(order[0] as string));
        return body.estimate.p50 === wait(0, partyAt(0)).p50;
      });
      const places = (await app.places(line.queueId, order)).body;
      for (const [ahead, partyId] of order.entries()) {
        const estimate = wait(ahead, partyAt(ahead));
        assert.deepEqual(places.places[ahead], { position: ahead + 1, estimate });
        const { body } = await app.position(line.ticket(partyId));
        assert.deepEqual(body.estimate, estimate);
      }
      const ifJoined = (size: number | null) =>
        wait(order.length, { lane: 'regular', size }, order.length + 1);
      assert.deepEqual(places.estimateIfJoined, ifJoined(null));
      assert.deepEqual((await app.board(line.queueId)).body.estimate, ifJoined(null));
      const ofEight = (await app.places(line.queueId, [], 8)).body.estimateIfJoined;
      assert.deepEqual(ofEight, ifJoined(8));
      assert.notEqual(ofEight.p50, ifJoined(2).p50);
    }
    assert.deepEqual(
      lanes.map((lane) => order.filter((id) => line.parties.get(id)?.lane === lane).length > 0),
      [true, true],
    );

    // A join is estimated by the model from before it.
    const joined = await two.apply([line.join('regular', 5)]);
    assert.deepEqual(
      joined.body.answers[0].place.estimate,
      wait(order.length, { lane: 'regular', size: 5 }, order.length + 1),
    );
  });

  it('estimates for the new size of a waiting party, on its stream too', async () => {
    const line = openLine();
    const one = await start();
    playEvening(line);
    for (let count = 0; count < 8; count += 1) line.join('regular', 2);
    await apply(one, line);
    await learned(one, line);
    await stop(one);
    const model = taught(line);
    const app = await start({ ...eager, everyMs: hour });
    const order = line.order();
    const last = order.at(-1) as string;
    const p50 = (size: number) => {
      const standing = { ahead: order.length - 1, waiting: order.length, size };
      const nowMs = clock.now().getTime();
      return estimate(model, { ...standing, lane: 'regular', nowMs }).p50;
    };
    const sizeBefore = line.parties.get(last)?.size ?? 0;
    assert.notEqual(p50(8), p50(sizeBefore));
    const base = await app.app.listen({ host: '127.0.0.1', port: 0 });
    const stream = await openStream(`${base}/v1/live/tickets/${line.ticket(last)}`);
    const says = (size: number) =>
      stream.lastIs<Position>('it is told', ({ estimate }) => estimate?.p50 === p50(size));
    await says(sizeBefore);
    const changed = await app.apply([line.change(last, { size: 8 })]);
    assert.equal(changed.body.answers[0].place.estimate.p50, p50(8));
    await says(8);
    assert.equal((await app.position(line.ticket(last))).body.estimate.p50, p50(8));
    stream.close();
  });

  it('adds no command to a read of a position', async () => {
    const line = openLine();
    const app = await start();
    playEvening(line);
    await apply(app, line);
    await copyNoted(app, line);
    const [ticket] = line.order().map((partyId) => line.ticket(partyId));
    await until('the model is cached', async () => {
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
      ...{ ahead: 0, lane: 'regular', size: null, waiting: line.order().length },
      nowMs: clock.now().getTime(),
    });

  it('recovers from the copy and later events when Redis is emptied', async () => {
    const line = openLine();
    const app = await start({ ...eager, keepAfterEvents: 30, keepAfterMs: hour });
    playEvening(line, 300);
    assert.ok(line.events.length > 500, 'more than a page of them');
    await apply(app, line);
    await learned(app, line);
    const { seq } = await until('a copy exists', () => queueService.models.get(line.queueId));
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

    // Another process, which never had the model.
    await app.redis.flushall();
    const other = await start();
    assert.equal((await other.position(ticket)).status, 200);
    assert.deepEqual(await learned(other, line), state);
  });

  it('recovers from the events alone when there is no copy', async () => {
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

  it('continues where another process stopped', async () => {
    const line = openLine();
    const first = await start(keepsLate);
    playEvening(line);
    await apply(first, line);
    await learned(first, line);
    // As if it had crashed: it neither copies nor learns any more.
    queueService.isUnavailable = true;
    await stop(first);
    assert.equal(queueService.models.get(line.queueId), undefined);
    queueService.isUnavailable = false;
    const second = await start();
    const known = line.events.length;
    playEvening(line, 5);
    await second.apply(line.events.slice(known));
    assert.deepEqual(await learned(second, line), serialise(taught(line)));
    await kept(line);
  });

  it('copies the model when the process stops', async () => {
    const line = openLine();
    const app = await start(keepsLate);
    playEvening(line);
    await apply(app, line);
    const state = await learned(app, line);
    await stop(app);
    assert.equal(queueService.models.get(line.queueId)?.state, state.toString('base64'));
  });

  it('starts over from the latest events if the copy is of another model, or unreadable', async () => {
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

      // A process that has not read the model yet.
      await app.redis.hset(metaKey(line), modelFields.state, 'cut short');
      queueService.models.delete(line.queueId);
      const other = await start({ ...eager, eventsMax: 20 });
      assert.equal((await other.board(line.queueId)).status, 200);
      await until('the model is replaced', async () => (await learned(app, line)).length > 20);
      assert.deepEqual(await learned(app, line), serialise(taught(line, line.events.length - 20)));
      await stop(app);
    }
  });

  it('delays only learning while the queue service is unavailable', async () => {
    const line = openLine();
    const app = await start();
    await apply(app, line);
    await learned(app, line);
    queueService.isUnavailable = true;
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
    // It retries by itself.
    const { events } = queueService.calls;
    await until('it has retried', () => queueService.calls.events > events + 3);
    queueService.isUnavailable = false;
    assert.deepEqual(await learned(app, line), serialise(taught(line)));
  });

  it('reads events only after changes, and none once the queue is deleted', async () => {
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
