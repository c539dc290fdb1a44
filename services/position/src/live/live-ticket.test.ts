import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, describe, it } from 'node:test';
import type { PartyState } from '@queue-manager/contracts/parties';
import type { Position } from '@queue-manager/contracts/positions';
import { ManualClock } from '@queue-manager/service-kit/clock';
import { testEnv, until } from '@queue-manager/service-kit/testing';
import fc from 'fast-check';
import { changesChannel, lineKeys, streamHoldersKey, streamKeys } from '../projection/line-keys.ts';
import {
  LineModel,
  type PositionDouble,
  type QueueServiceDouble,
  type RedisServer,
  startPosition,
  startQueueService,
  startRedis,
  startRedisCluster,
  tickets,
} from '../testing.ts';
import { openStream, type TestStream } from './testing.ts';

type Running = { position: PositionDouble; base: string; close(): Promise<void> };

const clock = new ManualClock();
const started = new AsyncDisposableStack();
let queueService: QueueServiceDouble;
before(async () => {
  queueService = started.adopt(await startQueueService(), (service) => service.close());
});
after(() => started.disposeAsync());

const opened: TestStream[] = [];
afterEach(() => {
  for (const stream of opened.splice(0)) stream.close();
});

async function run(
  redisUrl: string,
  options: { isCluster?: boolean; dropsMessages?: () => boolean; checkMs?: number } = {},
): Promise<Running> {
  const position = await startPosition({ redisUrl, queueService, clock, ...options });
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= position.close();
    return closed;
  };
  started.defer(close);
  return { position, base: await position.app.listen({ host: '127.0.0.1', port: 0 }), close };
}

/** A line of waiting parties, known to the queue service and to the projection. */
async function lineOf({ position }: Running, waiting: number): Promise<[LineModel, string[]]> {
  const model = new LineModel(clock);
  queueService.lines.set(model.queueId, model);
  const ids = Array.from({ length: waiting }, () => model.join().subject);
  await position.apply(model.events);
  return [model, ids];
}

async function watch({ base }: Running, ticket: string): Promise<TestStream> {
  const stream = await openStream(`${base}/v1/live/tickets/${ticket}`);
  opened.push(stream);
  assert.equal(stream.status, 200, stream.text());
  await until('the first event comes', () => stream.events.length > 0);
  return stream;
}

/** What a process that crashed a moment ago leaves in Redis: streams of a party that still count. */
async function leaveStreams({ position }: Running, model: LineModel, partyId: string, max: number) {
  const now = clock.now().getTime();
  const [streams, holders] = streamKeys(model.queueId, partyId);
  for (let count = 1; count <= max; count++) {
    await position.redis.zadd(streams, now, `crashed:${count}`);
  }
  await position.redis.zadd(holders, now + 40_000, 'crashed');
}

const follow = (running: Running, model: LineModel, partyId: string) =>
  watch(running, model.ticket(partyId));

/**
 * Waits until the stream's last event equals the answer to GET, estimates aside: they may have changed with the model
 * since.
 */
async function sameAsAsked({ position }: Running, stream: TestStream, ticket: string) {
  const { body } = await position.position(ticket);
  const facts = ({ state, position: place, ahead, waiting, estimate }: Position) =>
    JSON.stringify([state, place, ahead, waiting, estimate === null]);
  await stream.lastIs<Position>(
    'the stream says what GET says',
    (data) => facts(data) === facts(body),
  );
}

const neverBack = (stream: TestStream) => {
  const seqs = stream.events.map(({ data }) => (data as Position).seq);
  assert.deepEqual(
    seqs,
    seqs.toSorted((a, b) => a - b),
  );
};

describe('GET /v1/live/tickets/{ticket}', () => {
  let one: Running;
  before(async () => {
    one = await run(testEnv('REDIS_URL'));
  });

  it('sends the position at once', async () => {
    const [model, ids] = await lineOf(one, 3);
    const stream = await follow(one, model, ids[1] as string);
    assert.equal(stream.headers['content-type'], 'text/event-stream');
    assert.equal(stream.headers['cache-control'], 'no-store, no-transform');
    assert.equal(stream.headers['referrer-policy'], 'no-referrer');
    assert.match(stream.text(), /^retry: \d+\n\nevent: position\n/);
    const { body } = await one.position.position(model.ticket(ids[1] as string));
    assert.deepEqual(stream.last(), body);
  });

  it('sends every move of the party and of those before and behind it', async () => {
    const [model, ids] = await lineOf(one, 4);
    const [a, b, c, d] = ids as [string, string, string, string];
    const streams = new Map<string, TestStream>();
    for (const id of ids) streams.set(id, await follow(one, model, id));
    const moves = [
      () => model.join(),
      () => model.call(a),
      () => model.call(a),
      () => model.change(a, { size: 3 }),
      () => model.end(a, 'seated'),
      () => model.change(a, { state: 'departed' }),
      () => model.change(a, { state: 'waiting' }),
      () => model.change(d, { orderKey: '0100' }),
      () => model.change(c, { lane: 'priority' }),
      () => model.end(b, 'left'),
      () => model.change(b, { state: 'waiting' }),
      () => model.end(b, 'removed'),
      () => model.call(c),
      () => model.end(c, 'no_show'),
      () => model.end(d, 'seated'),
      () => model.join('priority'),
    ];
    for (const move of moves) {
      const event = move();
      await one.position.apply([event]);
      for (const [id, stream] of streams) await sameAsAsked(one, stream, model.ticket(id));
      const own = streams.get(event.subject);
      if (own === undefined) continue;
      // Also changes that keep state and place, because the guest may want to reload.
      await own.lastIs<Position>('its own change arrives', ({ seq }) => seq === model.queue.seq);
    }
    for (const stream of streams.values()) neverBack(stream);
  });

  it('notifies the party whose state changed before all others', async () => {
    const [model, ids] = await lineOf(one, 300);
    const told: string[] = [];
    for (const id of ids.toReversed()) {
      const url = `${one.base}/v1/live/tickets/${model.ticket(id)}`;
      const stream = await openStream(url, {
        onEvent: ({ data }) => {
          if ((data as Position).seq === 302) told.push(id);
        },
      });
      opened.push(stream);
    }
    // It started to watch last.
    const called = ids[0] as string;
    await one.position.apply([model.call(called)]);
    await until('all were notified', () => told.length === 300);
    assert.ok(told.indexOf(called) < 20, `it was number ${told.indexOf(called)}`);
  });

  it('sends many changes in few events, and the last one is correct', async () => {
    const [model, ids] = await lineOf(one, 201);
    const stream = await follow(one, model, ids[200] as string);
    const startedAt = performance.now();
    for (const id of ids.slice(0, 200)) await one.position.apply([model.call(id)]);
    await stream.lastIs<Position>('it is the first', ({ position }) => position === 1);
    const ticks = Math.floor((performance.now() - startedAt) / 100);
    assert.ok(stream.events.length <= ticks + 3, `${stream.events.length} in ${ticks} ticks`);
    assert.ok(stream.events.length < 200);
    neverBack(stream);
  });

  it('is correct for events in any order and repeated', async () => {
    const [model, ids] = await lineOf(one, 4);
    const [a, b, c, d] = ids as [string, string, string, string];
    const [first, last] = [await follow(one, model, a), await follow(one, model, d)];
    const events = [model.call(a), model.end(a, 'seated'), model.end(b, 'left'), model.call(c)];
    for (const index of [3, 1, 1, 0, 0, 3, 2, 1]) {
      await one.position.apply([events[index] as (typeof events)[number]]);
    }
    await last.lastIs<Position>('it is the first', ({ position }) => position === 1);
    await first.lastIs<Position>('it is seated', ({ state }) => state === 'seated');
    neverBack(first);
    neverBack(last);
  });

  it('is correct after a lost event once the projection is rebuilt', async () => {
    const [model, ids] = await lineOf(one, 4);
    const [a, b, , d] = ids as [string, string, string, string];
    const [gone, last] = [await follow(one, model, b), await follow(one, model, d)];
    model.end(b, 'left');
    await one.position.apply([model.call(a)]);
    await last.lastIs<Position>('it is second', ({ position }) => position === 2);
    await gone.lastIs<Position>('it has left', ({ state }) => state === 'left');
    neverBack(last);
  });

  it('is correct for watches that begin while the queue changes', async () => {
    const [model, ids] = await lineOf(one, 120);
    const streams = new Map<string, TestStream>();
    const changing = (async () => {
      for (const id of ids.slice(0, 80)) {
        await one.position.apply([model.call(id)]);
        await one.position.apply([model.join('priority')]);
      }
    })();
    await Promise.all(
      ids.slice(60).map(async (id) => streams.set(id, await follow(one, model, id))),
    );
    await changing;
    for (const [id, stream] of streams) {
      await sameAsAsked(one, stream, model.ticket(id));
      neverBack(stream);
    }
  });

  it('detects a lost change by the next one', async () => {
    let toLose = 0;
    const dropsMessages = () => toLose > 0 && toLose-- > 0;
    const deaf = await run(testEnv('REDIS_URL'), { dropsMessages });
    const [model, ids] = await lineOf(one, 4);
    const [a, b, c, d] = ids as [string, string, string, string];
    const [next, last] = [await follow(deaf, model, b), await follow(deaf, model, d)];
    await one.position.apply([model.call(a)]);
    await last.lastIs<Position>('it is third', ({ position }) => position === 3);
    toLose = 1;
    await one.position.apply([model.end(b, 'left')]);
    await until('a change was lost', () => toLose === 0);
    await one.position.apply([model.call(c)]);
    await last.lastIs<Position>('it is the first', ({ position }) => position === 1);
    await next.lastIs<Position>('it has left', ({ state }) => state === 'left');
    neverBack(last);
    await deaf.close();
  });

  it('detects a dead subscription without another change', async () => {
    let dropsMessages = false;
    const deaf = await run(testEnv('REDIS_URL'), {
      dropsMessages: () => dropsMessages,
      checkMs: 100,
    });
    const [model, ids] = await lineOf(one, 2);
    const stream = await follow(deaf, model, ids[1] as string);
    dropsMessages = true;
    await one.position.apply([model.call(ids[0] as string)]);
    await stream.lastIs<Position>('it is the first', ({ position }) => position === 1);
    dropsMessages = false;
    await one.position.apply([model.call(ids[1] as string)]);
    await stream.lastIs<Position>('it is called', ({ state }) => state === 'called');
    await deaf.close();
  });

  it('sends changes applied by another process', async () => {
    const two = await run(testEnv('REDIS_URL'));
    const [model, ids] = await lineOf(one, 2);
    const stream = await follow(two, model, ids[1] as string);
    await one.position.apply([model.call(ids[0] as string)]);
    await stream.lastIs<Position>('it is the first', ({ position }) => position === 1);
    await two.close();
    await stream.ended();
  });

  it('sends that a party left, and that it returned', async () => {
    const [model, ids] = await lineOf(one, 2);
    const id = ids[0] as string;
    await one.position.apply([model.end(id, 'seated')]);
    // Redis loses it; the queue service does not.
    await one.position.redis.del(...lineKeys(model.queueId, clock.now()));
    const stream = await follow(one, model, id);
    assert.equal(stream.last<Position>().state, 'seated');
    await one.position.apply([model.change(id, { state: 'waiting' })]);
    await stream.lastIs<Position>('it is the first again', ({ position }) => position === 1);
  });

  it('keeps the last state when the queue is deleted, as GET does', async () => {
    const [model, ids] = await lineOf(one, 2);
    const [first] = ids as [string, string];
    const stream = await follow(one, model, first);
    await one.position.apply([
      model.end(first, 'removed'),
      model.end(ids[1] as string, 'removed'),
      model.changeQueue({ deleted: true }),
    ]);
    await stream.lastIs<Position>('it is removed', ({ state }) => state === 'removed');
    // A party not watched before, with and without the projection in Redis.
    const other = await follow(one, model, ids[1] as string);
    await one.position.redis.del(...lineKeys(model.queueId, clock.now()));
    const again = await follow(one, model, first);
    for (const { last, isEnded } of [stream, other, again]) {
      assert.equal(last<Position>().state, 'removed');
      assert.equal(isEnded(), false);
    }
    const { body } = await one.position.position(model.ticket(first));
    assert.equal(body.state, 'removed');
  });

  it('sends at once that its party is removed when the queue is deleted, whoever is still in line', async () => {
    const [model, ids] = await lineOf(one, 3);
    const [called, first, second] = ids as [string, string, string];
    await one.position.apply([model.call(called)]);
    const streams = [];
    for (const id of [called, first]) streams.push(await follow(one, model, id));
    await one.position.apply([model.changeQueue({ state: 'closed', deleted: true })]);
    for (const stream of streams) {
      await stream.lastIs<Position>('it is removed', ({ state, position, waiting }) => {
        return state === 'removed' && position === null && waiting === 0;
      });
    }
    const other = await follow(one, model, second);
    assert.equal(other.last<Position>().state, 'removed');
    await one.position.apply([model.end(second, 'removed')]);
    for (const id of ids) {
      const { body } = await one.position.position(model.ticket(id));
      assert.deepEqual([body.state, body.position, body.waiting], ['removed', null, 0]);
    }
    for (const { last } of [...streams, other]) assert.equal(last<Position>().waiting, 0);
  });

  it('starts over when events it has sent turn out never to have happened', async () => {
    const [model, ids] = await lineOf(one, 2);
    const [first, second] = ids as [string, string];
    const { queue, parties } = model;
    const before = structuredClone(parties);
    const stream = await follow(one, model, second);
    await one.position.apply([model.call(first), model.end(first, 'seated')]);
    await stream.lastIs<Position>('it is the first', ({ position }) => position === 1);
    // The queue service has lost them, and the projection is repaired.
    model.queue = queue;
    for (const [partyId, party] of before) parties.set(partyId, party);
    await one.position.redis.hdel(lineKeys(model.queueId, clock.now())[0] as string, 'seq');
    const { body } = await one.position.position(model.ticket(second));
    assert.equal(body.position, 2);
    await stream.ended();
    const again = await follow(one, model, second);
    assert.equal(again.last<Position>().position, 2);
    await one.position.apply([model.call(second)]);
    await again.lastIs<Position>('it is called', ({ state }) => state === 'called');
  });

  it('ends when the party is erased, and returns 404 then', async () => {
    const [model, ids] = await lineOf(one, 1);
    const stream = await follow(one, model, ids[0] as string);
    queueService.lines.delete(model.queueId);
    const { redis } = one.position;
    await redis.del(...lineKeys(model.queueId, clock.now()));
    await redis.spublish(changesChannel(model.queueId), JSON.stringify({ reset: true, seq: 1 }));
    await stream.ended();
    const again = await fetch(`${one.base}/v1/live/tickets/${model.ticket(ids[0] as string)}`);
    assert.equal(again.status, 404);
  });

  it('returns 404 for an unknown party and for a malformed ticket', async () => {
    const [model] = await lineOf(one, 1);
    const stranger = tickets.issue({ queueId: model.queueId, partyId: randomUUID() });
    const nowhere = tickets.issue({ queueId: randomUUID(), partyId: randomUUID() });
    const good = model.ticket(model.order()[0] as string);
    const tampered = `${good.slice(0, -2)}${good.endsWith('AA') ? 'BA' : 'AA'}`;
    for (const ticket of [stranger, nowhere, tampered, 'nonsense']) {
      const answer = await fetch(`${one.base}/v1/live/tickets/${ticket}`);
      assert.equal(answer.status, 404);
      assert.match(answer.headers.get('content-type') ?? '', /problem\+json/);
      await answer.text();
    }
  });

  describe('more than five streams of a ticket', () => {
    it('are refused until one ends', async () => {
      const two = await run(testEnv('REDIS_URL'));
      const [model, ids] = await lineOf(one, 1);
      const ticket = model.ticket(ids[0] as string);
      const streams = [];
      for (const at of [one, two, one, two, one]) streams.push(await watch(at, ticket));
      for (const { base } of [one, two]) {
        const answer = await fetch(`${base}/v1/live/tickets/${ticket}`);
        assert.equal(answer.status, 429);
        assert.equal(answer.headers.get('retry-after'), '60');
        const problem = (await answer.json()) as { type: string };
        assert.match(problem.type, /too-many-requests$/);
      }
      streams[1]?.close();
      await until('another stream opens', async () => {
        const stream = await openStream(`${one.base}/v1/live/tickets/${ticket}`);
        opened.push(stream);
        return stream.status === 200;
      });
      await two.close();
    });

    it('evict the oldest once it is a minute old', async () => {
      const two = await run(testEnv('REDIS_URL'));
      const [model, ids] = await lineOf(one, 1);
      const ticket = model.ticket(ids[0] as string);
      const streams = [];
      for (const at of [two, one, one, one, two]) {
        streams.push(await watch(at, ticket));
        clock.advance(1);
      }
      const others = streams.slice(1);
      clock.advance(30);
      assert.equal((await fetch(`${one.base}/v1/live/tickets/${ticket}`)).status, 429);
      // Their processes would have renewed their claims by now, but their timers have not run.
      const holders = streamHoldersKey(model.queueId);
      for (const process of await one.position.redis.zrange(holders, '0', '-1')) {
        await one.position.redis.zadd(holders, clock.now().getTime() + 100_000, process);
      }
      clock.advance(25);
      const sixth = await watch(one, ticket);
      await streams[0]?.ended();
      assert.match(streams[0]?.text() ?? '', /retry: 30000\n\n$/);
      assert.ok([...others, sixth].every((stream) => !stream.isEnded()));
      await two.close();
    });

    it('do not count those of a crashed process', async () => {
      const crashed = await run(testEnv('REDIS_URL'));
      const [model, ids] = await lineOf(one, 1);
      const ticket = model.ticket(ids[0] as string);
      for (let count = 0; count < 5; count++) await watch(crashed, ticket);
      assert.equal((await fetch(`${one.base}/v1/live/tickets/${ticket}`)).status, 429);
      clock.advance(41);
      await watch(one, ticket);
      await crashed.close();
    });

    it('do not count those of a process that just crashed, but those of live ones', async () => {
      const two = await run(testEnv('REDIS_URL'));
      const [model, ids] = await lineOf(one, 1);
      const ticket = model.ticket(ids[0] as string);
      await watch(two, ticket);
      await watch(two, ticket);
      await leaveStreams(one, model, ids[0] as string, 3);
      const again = [await watch(one, ticket), await watch(one, ticket), await watch(one, ticket)];
      for (const { base } of [one, two]) {
        assert.equal((await fetch(`${base}/v1/live/tickets/${ticket}`)).status, 429);
      }
      assert.ok(again.every((stream) => !stream.isEnded()));
      await two.close();
    });

    it('all reconnect through other processes after a crash', async () => {
      const two = await run(testEnv('REDIS_URL'));
      const [model, ids] = await lineOf(one, 1);
      const ticket = model.ticket(ids[0] as string);
      await leaveStreams(one, model, ids[0] as string, 5);
      await Promise.all([one, two, one, two, one].map((at) => watch(at, ticket)));
      await two.close();
    });
  });

  it('ends at once when the app closes, and no longer counts', async () => {
    const two = await run(testEnv('REDIS_URL'));
    const [model, ids] = await lineOf(two, 1);
    const ticket = model.ticket(ids[0] as string);
    const stream = await watch(two, ticket);
    await two.close();
    await stream.ended();
  });

  it('equals GET throughout a random night', async () => {
    const turn = fc.record({
      what: fc.constantFrom('join', 'call', 'seat', 'leave', 'restore', 'move', 'queue'),
      who: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      key: fc.integer({ min: 1, max: 250 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(turn, { minLength: 5, maxLength: 40 }), async (turns) => {
        const [model, ids] = await lineOf(one, 6);
        const streams = new Map<string, TestStream>();
        for (const id of ids) streams.set(id, await follow(one, model, id));
        const some = (states: PartyState[], who: number) => {
          const could = states.flatMap((state) => model.inState(state));
          return could[Math.floor(who * could.length)]?.partyId;
        };
        for (const { what, who, key } of turns) {
          const waiting = some(['waiting'], who);
          if (what === 'join') model.join(who < 0.7 ? 'regular' : 'priority');
          if (what === 'queue') model.changeQueue({ state: who < 0.5 ? 'open' : 'paused' });
          if (what === 'call' && waiting !== undefined) model.call(waiting);
          if (what === 'leave' && waiting !== undefined) model.end(waiting, 'left');
          // Also a called party whose guest lets others go first.
          const movable = some(['waiting', 'called'], who);
          if (what === 'move' && movable !== undefined) {
            model.change(movable, {
              state: 'waiting',
              orderKey: `${key.toString(16).padStart(2, '0')}00`,
              lane: who < 0.5 ? 'regular' : 'priority',
            });
          }
          const called = some(['called'], who);
          if (what === 'seat' && called !== undefined) model.end(called, 'seated');
          const other = some(['called', 'seated', 'left'], who);
          if (what === 'restore' && other !== undefined) model.change(other, { state: 'waiting' });
        }
        const events = model.events.slice(7);
        // In small batches, as on a busy night.
        for (let at = 0; at < events.length; at += 3) {
          await one.position.apply(events.slice(at, at + 3).toReversed());
        }
        for (const [id, stream] of streams) {
          await sameAsAsked(one, stream, model.ticket(id));
          neverBack(stream);
          stream.close();
        }
      }),
      { numRuns: 15 },
    );
  });
});

describe('ticket streams with their own Redis', () => {
  let redis: RedisServer;
  let one: Running;
  before(async () => {
    redis = started.adopt(await startRedis(), (server) => server.remove());
    one = await run(redis.url);
  });

  it('are correct when Redis is emptied between changes, and never go back', async () => {
    const [model, ids] = await lineOf(one, 30);
    const streams = new Map<string, TestStream>();
    for (const id of ids) streams.set(id, await follow(one, model, id));
    for (const id of ids.slice(0, 10)) {
      await one.position.redis.flushall();
      await one.position.apply([model.call(id)]);
      await one.position.apply([model.end(id, 'seated')]);
    }
    for (const [id, stream] of streams) {
      await sameAsAsked(one, stream, model.ticket(id));
      neverBack(stream);
      const places = stream.events.flatMap(({ data }) => (data as Position).position ?? []);
      assert.deepEqual(
        places,
        places.toSorted((a, b) => b - a),
        'a place went back and forth',
      );
    }
  });

  it('miss nothing while the subscription was lost', async () => {
    const [model, ids] = await lineOf(one, 3);
    const [a, b, c] = ids as [string, string, string];
    const streams = [await follow(one, model, b), await follow(one, model, c)] as const;
    await one.position.redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await one.position.apply([model.call(a), model.call(b)]);
    await streams[0].lastIs<Position>('it is called', ({ state }) => state === 'called');
    await streams[1].lastIs<Position>('it is the first', ({ position }) => position === 1);
    await one.position.apply([model.call(c)]);
    await streams[1].lastIs<Position>('it is called', ({ state }) => state === 'called');
    streams.forEach(neverBack);
  });

  it('are correct after Redis was killed and restarted empty', async () => {
    const [model, ids] = await lineOf(one, 3);
    const [a, b, c] = ids as [string, string, string];
    const streams = [await follow(one, model, b), await follow(one, model, c)] as const;
    await redis.kill();
    model.call(a);
    model.call(b);
    await redis.start();
    await streams[0].lastIs<Position>('it is called', ({ state }) => state === 'called');
    await streams[1].lastIs<Position>('it is the first', ({ position }) => position === 1);
    await one.position.apply([model.end(c, 'left')]);
    await streams[1].lastIs<Position>('it has left', ({ state }) => state === 'left');
    streams.forEach(neverBack);
  });

  it('return 503 while Redis is unavailable', async () => {
    const [model, ids] = await lineOf(one, 1);
    await redis.kill();
    const answer = await fetch(`${one.base}/v1/live/tickets/${model.ticket(ids[0] as string)}`);
    assert.equal(answer.status, 503);
    assert.ok(answer.headers.get('retry-after'));
    await redis.start();
    await until('Redis is back', () => one.position.redis.status === 'ready');
  });
});

describe('ticket streams on a cluster', () => {
  it('send changes from each node', async () => {
    const cluster = started.adopt(await startRedisCluster(), (nodes) => nodes.remove());
    const one = await run(cluster.url, { isCluster: true });
    for (let count = 0; count < 8; count++) {
      const [model, ids] = await lineOf(one, 2);
      const stream = await follow(one, model, ids[1] as string);
      await one.position.apply([model.call(ids[0] as string)]);
      await stream.lastIs<Position>('it is the first', ({ position }) => position === 1);
      stream.close();
    }
  });

  it('reconnect after their process crashed', async () => {
    const cluster = started.adopt(await startRedisCluster(), (nodes) => nodes.remove());
    const [one, two] = [
      await run(cluster.url, { isCluster: true }),
      await run(cluster.url, { isCluster: true }),
    ];
    for (let count = 0; count < 4; count++) {
      const [model, ids] = await lineOf(one, 1);
      const ticket = model.ticket(ids[0] as string);
      await watch(two, ticket);
      await leaveStreams(one, model, ids[0] as string, 4);
      for (let again = 0; again < 4; again++) await watch(one, ticket);
      assert.equal((await fetch(`${one.base}/v1/live/tickets/${ticket}`)).status, 429);
    }
  });
});
