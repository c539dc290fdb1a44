import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { createPublisher } from '@queue-manager/events/publish';
import { ManualClock } from '@queue-manager/service-kit/clock';
import { dayMs } from '@queue-manager/service-kit/durations';
import { testLogger, until } from '@queue-manager/service-kit/testing';
import { Redis } from 'ioredis';
import { changesChannel, lineKeys, lockKey } from '../projection/line-keys.ts';
import { createProjection } from '../projection/projection.ts';
import { connectLines } from '../projection/redis.ts';
import {
  LineModel,
  type PositionDouble,
  type QueueServiceDouble,
  type RedisServer,
  startPosition,
  startQueueService,
  startRedis,
} from '../testing.ts';
import { chunkSize } from './read-snapshot.ts';
import { concurrentRebuildsMax } from './rebuild.ts';

describe('a projection that Redis has lost in part', () => {
  const clock = new ManualClock();
  let server: RedisServer;
  let queueService: QueueServiceDouble;
  let position: PositionDouble;
  /** A second process of the service. */
  let other: PositionDouble;

  const started = new AsyncDisposableStack();
  before(async () => {
    server = started.adopt(await startRedis(), (redis) => redis.remove());
    queueService = started.adopt(await startQueueService(), (service) => service.close());
    position = started.adopt(
      await startPosition({ redisUrl: server.url, queueService, clock }),
      (service) => service.close(),
    );
    other = started.adopt(
      await startPosition({ redisUrl: server.url, queueService, clock }),
      (service) => service.close(),
    );
  });
  after(() => started.disposeAsync());
  afterEach(() => {
    queueService.isUnavailable = false;
    queueService.beforeSnapshotLeaves = async () => undefined;
  });

  function lineOf(parties: number): LineModel {
    const model = new LineModel(clock);
    for (let made = 0; made < parties; made++) model.join();
    queueService.lines.set(model.queueId, model);
    return model;
  }

  const placesOf = async (model: LineModel, from = position) => {
    const answers = await Promise.all(
      [...model.parties.keys()].map((partyId) => from.position(model.ticket(partyId))),
    );
    return answers.map(({ status, body }) => [status, body.state, body.position]);
  };
  const placesByModel = (model: LineModel) => {
    const order = model.order();
    return [...model.parties.values()].map(({ partyId, state }) => [
      200,
      state,
      state === 'waiting' ? order.indexOf(partyId) + 1 : null,
    ]);
  };
  const isRight = async (model: LineModel, from = position) =>
    assert.deepEqual(await placesOf(model, from), placesByModel(model));

  it('is rebuilt once for concurrent readers in several processes', async () => {
    const model = lineOf(200);
    const before = queueService.calls.snapshots;
    await Promise.all([isRight(model), isRight(model, other), position.board(model.queueId)]);
    assert.equal(queueService.calls.snapshots, before + 1);
  });

  it('is rebuilt with bounded concurrency when many were lost at once', async () => {
    const models = Array.from({ length: 3 * concurrentRebuildsMax }, () => lineOf(2));
    const leaves: (() => void)[] = [];
    queueService.beforeSnapshotLeaves = () => new Promise((leave) => leaves.push(leave));
    const looks = Promise.all(models.map((model) => isRight(model)));
    await until('snapshots are being read', () => leaves.length >= concurrentRebuildsMax);
    const locks = models.map(({ queueId }) => lockKey(queueId));
    // The others wait for capacity in any process.
    assert.equal(await position.redis.exists(...locks), concurrentRebuildsMax);
    for (let taken = 0; taken < models.length; taken++) {
      await until('the next one is read', () => leaves.length > 0);
      assert.ok(leaves.length <= concurrentRebuildsMax, `${leaves.length} at once`);
      leaves.shift()?.();
    }
    await looks;
  });

  it('includes events that arrive during the rebuild', async () => {
    const model = lineOf(3);
    const arrived = Promise.withResolvers<void>();
    const isTaken = Promise.withResolvers<void>();
    queueService.beforeSnapshotLeaves = () => {
      isTaken.resolve();
      return arrived.promise;
    };
    const before = queueService.calls.snapshots;
    const reading = position.board(model.queueId);
    await isTaken.promise;
    // Both ways of delivery: the direct call awaits the rebuild, the consumer buffers the event.
    const late = model.join();
    const later = model.call(late.subject);
    const direct = position.apply([late]);
    const { sqs, prefix } = position.queues;
    await createPublisher({ sqs, prefix }).publish([later]);
    await until('the message was handled', async () => {
      const [, , , , pending] = lineKeys(model.queueId, clock.now());
      return (await position.redis.hlen(pending as string)) === 2;
    });
    arrived.resolve();
    assert.equal((await direct).body.answers[0].outcome, 'applied');
    assert.equal((await reading).body.waiting, 3);
    await isRight(model);
    assert.equal(queueService.calls.snapshots, before + 1);
  });

  it('includes any number of events that arrive during the rebuild', async () => {
    const model = lineOf(3);
    const arrived = Promise.withResolvers<void>();
    const isTaken = Promise.withResolvers<void>();
    queueService.beforeSnapshotLeaves = () => {
      isTaken.resolve();
      return arrived.promise;
    };
    const before = queueService.calls.snapshots;
    const reading = position.board(model.queueId);
    await isTaken.promise;
    const events = Array.from({ length: 1_700 }, () => model.join());
    const direct = [events.slice(0, 850), events.slice(850)].map((some) => other.apply(some));
    await until('they are buffered', async () => {
      const [, , , , pending] = lineKeys(model.queueId, clock.now());
      return (await position.redis.hlen(pending as string)) === events.length;
    });
    arrived.resolve();
    assert.equal((await reading).body.waiting, 1_703);
    for (const { body } of await Promise.all(direct)) {
      for (const { outcome } of body.answers) assert.equal(outcome, 'applied');
    }
    await isRight(model);
    assert.equal(queueService.calls.snapshots, before + 1);
  });

  it('applies buffered events in several script runs of bounded length', async () => {
    const model = lineOf(1);
    await isRight(model);
    await using opened = new AsyncDisposableStack();
    const redis = opened.adopt(
      connectLines({
        url: server.url,
        isCluster: false,
        commandTimeoutMs: 15_000,
        logger: testLogger,
      }),
      (connection) => connection.close(),
    );
    await until('Redis is connected', () => redis.client.status === 'ready');
    const listener = opened.adopt(new Redis(server.url), (client) => client.disconnect());
    const lengths: number[] = [];
    listener.on('smessage', (_channel, text: string) => {
      lengths.push(JSON.parse(text).changes.length);
    });
    await listener.ssubscribe(changesChannel(model.queueId));
    const projection = createProjection({ redis, clock });
    const events = Array.from({ length: 1_201 }, () => model.join());
    const early = await projection.apply(model.queueId, events.slice(1));
    assert.deepEqual([early.pending, early.waiting], [1_200, 1]);
    const applied = await projection.apply(model.queueId, events.slice(0, 1));
    assert.deepEqual(applied, {
      isKnown: true,
      seq: model.queue.seq,
      waiting: 1_202,
      modelSeq: null,
      pending: 0,
      answers: [{ isApplied: true, ahead: 1, lane: 'regular', size: 2 }],
    });
    await until('all changes are published', () => lengths.length === 3);
    assert.deepEqual(lengths, [501, 500, 200]);
    await isRight(model);
  });

  it('is not replaced by an older snapshot', async () => {
    const model = lineOf(3);
    await isRight(model);
    const [missing, early] = [model.join(), model.join()];
    const leave = Promise.withResolvers<void>();
    const isTaken = Promise.withResolvers<void>();
    queueService.beforeSnapshotLeaves = () => {
      isTaken.resolve();
      return leave.promise;
    };
    assert.equal((await position.apply([early])).body.answers[0].outcome, 'pending');
    // The missing event is not sent, so the gap watch rebuilds.
    await isTaken.promise;
    await position.apply([missing, model.call(missing.subject)]);
    const seq = model.queue.seq;
    leave.resolve();
    await until('the rebuild is over', async () => {
      return (await position.redis.exists(lockKey(model.queueId))) === 0;
    });
    const { body } = await position.position(model.ticket(early.subject));
    assert.deepEqual([body.seq, body.position], [seq, 4]);
    await isRight(model);
  });

  it('is not replaced by a snapshot older than the projection that was lost', async () => {
    const model = lineOf(3);
    await isRight(model);
    const [missing, early] = [model.join(), model.join()];
    const leave = Promise.withResolvers<void>();
    const isTaken = Promise.withResolvers<void>();
    queueService.beforeSnapshotLeaves = () => {
      isTaken.resolve();
      return leave.promise;
    };
    await position.apply([early]);
    await isTaken.promise;
    await position.apply([missing, model.call(missing.subject)]);
    await position.redis.del(lineKeys(model.queueId, clock.now())[0] as string);
    queueService.beforeSnapshotLeaves = async () => undefined;
    leave.resolve();
    await isRight(model);
  });

  it('closes a gap when the missing event never arrives', async () => {
    const model = lineOf(2);
    await isRight(model);
    model.join();
    await position.apply([model.join()]);
    const [meta] = lineKeys(model.queueId, clock.now());
    await until('the gap is closed', async () => {
      return (await position.redis.hget(meta as string, 'seq')) === String(model.queue.seq);
    });
    await isRight(model);
  });

  it('is rebuilt for a guest whose event was lost', async () => {
    const model = lineOf(2);
    await isRight(model);
    const { subject } = model.join();
    const { body } = await position.position(model.ticket(subject));
    assert.deepEqual([body.state, body.position], ['waiting', 3]);
  });

  it('is correct after Redis was emptied', async () => {
    const model = lineOf(20);
    const first = [...model.parties.keys()][0] as string;
    model.call(first);
    await isRight(model);
    await position.redis.flushall();
    await isRight(model);
    assert.equal((await position.board(model.queueId)).body.called[0].label, '1');
    assert.equal((await position.places(model.queueId, [first])).body.waiting, 19);
  });

  it('is correct after any single key was lost or replaced', async () => {
    const model = lineOf(4);
    const [called, gone] = [...model.parties.keys()] as [string, string];
    model.call(called);
    await isRight(model);
    await position.apply([model.end(gone, 'left')]);
    for (const key of lineKeys(model.queueId, clock.now())) {
      for (const spoil of [
        () => position.redis.del(key),
        () => position.redis.set(key, 'of another type'),
      ]) {
        await spoil();
        await isRight(model);
        assert.equal((await position.board(model.queueId)).body.called.length, 1);
        // Changes face the same fault.
        await spoil();
        const { body } = await position.apply([model.join()]);
        assert.equal(body.answers[0].outcome, 'applied');
        await isRight(model);
      }
    }
  });

  it('is correct after the line lost some of its members', async () => {
    const model = lineOf(5);
    await isRight(model);
    const [, line, parties] = lineKeys(model.queueId, clock.now()) as [string, string, string];
    await position.redis.zpopmin(line);
    await isRight(model);
    const [field] = await position.redis.hkeysBuffer(parties);
    await position.redis.hdel(parties, field as Buffer);
    await isRight(model);
  });

  it('is rebuilt soon after a process crashed during its rebuild', async () => {
    const model = lineOf(2);
    await position.redis.set(lockKey(model.queueId), 'of the dead', 'PX', 500);
    await isRight(model);
  });

  it('returns 503 while the queue service is unavailable, and recovers', async () => {
    const model = lineOf(2);
    const ticket = model.ticket([...model.parties.keys()][0] as string);
    queueService.isUnavailable = true;
    const { status, headers, body } = await position.position(ticket);
    assert.equal(status, 503);
    assert.equal(headers['retry-after'], '1');
    assert.match(body.type, /unavailable$/);
    assert.equal((await position.board(model.queueId)).status, 503);
    queueService.isUnavailable = false;
    await isRight(model);
  });

  it('is not replaced by a truncated snapshot, whose keys are deleted', async () => {
    const model = lineOf(3 * chunkSize);
    const ticket = model.ticket([...model.parties.keys()][0] as string);
    const { redis } = position;
    const written = async () =>
      Number(/cmdstat_hset:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0);
    const before = await written();
    queueService.truncateSnapshots = true;
    try {
      assert.equal((await position.position(ticket)).status, 503);
    } finally {
      queueService.truncateSnapshots = false;
    }
    assert.ok((await written()) > before, 'some of it had been written');
    assert.deepEqual(await redis.keys(`*{${model.queueId}}:snapshot:*`), []);
    await isRight(model);
  });

  it('expires with all its keys', async () => {
    const model = lineOf(6);
    const [called, gone, forgotten, waiting] = model.order() as [string, string, string, string];
    model.end(forgotten, 'left');
    await isRight(model);
    const leave = Promise.withResolvers<void>();
    const isTaken = Promise.withResolvers<void>();
    queueService.beforeSnapshotLeaves = () => {
      isTaken.resolve();
      return leave.promise;
    };
    const [missing, early] = [model.join(), model.join()];
    const events = [model.call(called), model.end(gone, 'left')];
    await position.apply([early, ...events]);
    await isTaken.promise;
    /** Maximum time to live of each key, in days. */
    const daysLeft = async () => {
      const keys = await position.redis.keys(`*${model.queueId}*`);
      const left = await Promise.all(keys.map((key) => position.redis.pttl(key)));
      for (const [index, key] of keys.entries()) assert.ok((left[index] as number) > 0, key);
      assert.ok(left.every((ms) => ms <= 7 * dayMs));
      return keys.map((key) => key.replace(/^.*}:/, '').replace(/\d{2,}$/, 'DAY'));
    };
    assert.deepEqual((await daysLeft()).sort(), [
      'ended:DAY',
      'line',
      'lock',
      'meta',
      'parties',
      'pending',
    ]);
    leave.resolve();
    await position.apply([missing]);
    await until('the rebuild is over', async () => {
      return (await position.redis.exists(lockKey(model.queueId))) === 0;
    });
    await position.apply([model.end(waiting, 'no_show')]);
    await isRight(model);
    assert.deepEqual((await daysLeft()).sort(), ['called', 'ended:DAY', 'line', 'meta', 'parties']);
  });

  it('may be of a long line', async () => {
    const model = lineOf(50_000);
    const ids = model.order();
    const answers = await Promise.all(
      [0, 1, 24_999, 49_999].map(async (index) => {
        // Guests get 503 while the rebuild takes longer than a request may.
        const ticket = model.ticket(ids[index] as string);
        const answer = await until('the projection is whole', async () => {
          const { status, body } = await position.position(ticket);
          assert.ok(status === 200 || status === 503);
          return status === 200 && body;
        });
        return answer.position;
      }),
    );
    assert.deepEqual(answers, [1, 2, 25_000, 50_000]);
    assert.equal((await position.board(model.queueId)).body.waiting, 50_000);
  });

  it('is rebuilt with commands of at most one chunk', async () => {
    const { redis } = position;
    const model = lineOf(10 * chunkSize + 1);
    await redis.config('SET', 'slowlog-max-len', '10000');
    // The slow log keeps part of every command, and its number of arguments.
    await redis.config('SET', 'slowlog-log-slower-than', '0');
    await redis.slowlog('RESET');
    assert.equal((await position.board(model.queueId)).body.waiting, 10 * chunkSize + 1);
    const log = (await redis.slowlog('GET', 10_000)) as [number, number, number, string[]][];
    await redis.config('SET', 'slowlog-log-slower-than', '-1');
    const lengths = log.map(([, , , [, ...args]]) => {
      const more = /^\.{3} \((\d+) more arguments\)$/.exec(args.at(-1) ?? '')?.[1];
      return more === undefined ? args.length : args.length - 1 + Number(more);
    });
    // A key, and two values per party.
    assert.equal(Math.max(...lengths), 1 + 2 * chunkSize);
  });

  it('stays correct while Redis is emptied repeatedly under load', async () => {
    const models = [lineOf(10), lineOf(10), lineOf(10)];
    const statuses = new Set<number>();
    let isOver = false;
    const guest = async (model: LineModel, from: PositionDouble) => {
      while (!isOver) {
        for (const partyId of model.parties.keys()) {
          statuses.add((await from.position(model.ticket(partyId))).status);
        }
      }
    };
    const host = async (model: LineModel) => {
      for (let turn = 0; turn < 40; turn++) {
        const events = [model.join(), model.call(model.order()[0] as string)];
        statuses.add((await position.apply(events)).status);
        if (turn % 10 === 5) await position.redis.flushall();
      }
    };
    const guests = models.flatMap((model) => [guest(model, position), guest(model, other)]);
    await Promise.all(models.map(host));
    isOver = true;
    await Promise.all(guests);
    assert.deepEqual([...statuses], [200]);
    for (const model of models) await isRight(model);
  });

  describe('when Redis fails', () => {
    it('returns 503 at once and is not ready, and recovers when Redis returns empty', async () => {
      const model = lineOf(3);
      await isRight(model);
      await server.kill();
      const ticket = model.ticket([...model.parties.keys()][0] as string);
      const isGone = async () => (await position.position(ticket)).status === 503;
      await until('reads are refused', isGone);
      const { status, headers } = await position.position(ticket);
      assert.equal(status, 503);
      assert.equal(headers['retry-after'], '1');
      assert.equal((await position.apply([model.join()])).status, 503);
      assert.equal((await position.get('/readyz')).status, 503);
      assert.equal((await position.get('/livez')).status, 200);
      await server.start();
      await until('it is ready', async () => (await position.get('/readyz')).status === 200);
      await isRight(model);
    });

    it('keeps messages until Redis returns, without dead letters', async () => {
      const model = lineOf(1);
      await isRight(model);
      await server.kill();
      await until(
        'readiness reports the outage',
        async () => (await position.get('/readyz')).status === 503,
      );
      const { sqs, prefix } = position.queues;
      await createPublisher({ sqs, prefix }).publish([
        model.join(),
        model.changeQueue({ name: 'Bar' }),
      ]);
      await server.start();
      await until('the events are handled', async () => {
        return (await position.queues.count('position-events')) === 0;
      });
      assert.deepEqual(await position.queues.deadLetters('position-events'), []);
      await until('it is ready', async () => (await position.get('/readyz')).status === 200);
      await isRight(model);
    });

    it('is correct when Redis returns without its last writes', async () => {
      const model = lineOf(4);
      const [first, second, third] = [...model.parties.keys()] as [string, string, string];
      await isRight(model);
      await position.apply([model.end(third, 'left')]);
      await position.redis.save();
      await position.apply([
        model.call(first),
        model.end(second, 'left'),
        model.change(third, { state: 'waiting' }),
        model.end(third, 'seated'),
      ]);
      await server.kill();
      await server.start();
      await until('it is ready', async () => (await position.get('/readyz')).status === 200);
      const before = queueService.calls.snapshots;
      await isRight(model);
      assert.equal(queueService.calls.snapshots, before + 1);
      await isRight(model);
      assert.equal(queueService.calls.snapshots, before + 1);
    });

    it('is correct when Redis restarts during a rebuild, keeps the lock and loses its last writes', async () => {
      const model = lineOf(3);
      const leave = Promise.withResolvers<void>();
      const isTaken = Promise.withResolvers<void>();
      queueService.beforeSnapshotLeaves = () => {
        isTaken.resolve();
        return leave.promise;
      };
      const lock = lockKey(model.queueId);
      const reading = position.board(model.queueId);
      await isTaken.promise;
      // The lock outlives the restart, however long that takes.
      await position.redis.persist(lock);
      await position.redis.save();
      const { sqs, prefix } = position.queues;
      await createPublisher({ sqs, prefix }).publish([model.join()]);
      await until('the message is handled', async () => {
        return (await position.queues.count('position-events')) === 0;
      });
      await server.kill();
      await server.start();
      await until('it is ready', async () => (await position.get('/readyz')).status === 200);
      assert.equal(await position.redis.exists(lock), 1);
      queueService.beforeSnapshotLeaves = async () => undefined;
      leave.resolve();
      const { status, body } = await reading;
      assert.deepEqual([status, body.waiting], [200, 4]);
      await isRight(model);
    });

    it('is not served without its last writes when Redis fails again during the rebuild', async () => {
      const model = lineOf(3);
      await isRight(model);
      await position.redis.save();
      await position.apply([model.join()]);
      assert.equal((await position.board(model.queueId)).body.waiting, 4);
      await server.kill();
      await server.start();
      await until('it is ready', async () => (await other.get('/readyz')).status === 200);
      queueService.beforeSnapshotLeaves = () => server.kill();
      try {
        // This process has answered nothing yet.
        assert.equal((await other.board(model.queueId)).status, 503);
      } finally {
        queueService.beforeSnapshotLeaves = async () => undefined;
        await server.start();
      }
      await until('it is ready', async () => (await other.get('/readyz')).status === 200);
      await isRight(model, other);
    });

    it('is trusted without a snapshot when Redis returns with all its data', async () => {
      const model = lineOf(4);
      const [first, second] = [...model.parties.keys()] as [string, string];
      await isRight(model);
      await position.apply([model.call(first), model.end(second, 'left')]);
      await position.redis.save();
      await server.kill();
      await server.start();
      await until('it is ready', async () => (await position.get('/readyz')).status === 200);
      const before = queueService.calls.snapshots;
      await Promise.all([isRight(model), isRight(model, other)]);
      // Once trusted, it is not checked again.
      queueService.isUnavailable = true;
      const { status, body } = await position.board(model.queueId);
      assert.deepEqual([status, body.waiting, body.called.length], [200, 2, 1]);
      assert.equal(queueService.calls.snapshots, before);
    });

    it('is not trusted when its counts differ from MySQL at the same seq', async () => {
      const model = lineOf(3);
      await isRight(model);
      const [meta, line, parties] = lineKeys(model.queueId, clock.now()) as [
        string,
        string,
        string,
      ];
      await position.redis.zpopmin(line);
      await position.redis.hdel(parties, (await position.redis.hkeysBuffer(parties))[0] as Buffer);
      await position.redis.hset(meta, 'waiting', 2);
      await position.redis.save();
      await server.kill();
      await server.start();
      await until('it is ready', async () => (await position.get('/readyz')).status === 200);
      await isRight(model);
    });

    it('is trusted once it is newer than a snapshot, however busy the queue is', async () => {
      const model = lineOf(2);
      const ticket = model.ticket([...model.parties.keys()][1] as string);
      await isRight(model);
      await position.redis.save();
      const lost = model.join();
      await position.apply([lost]);
      await server.kill();
      await server.start();
      await until('it is ready', async () => (await position.get('/readyz')).status === 200);
      // A party joins during every snapshot.
      queueService.beforeSnapshotLeaves = async () => {
        await position.apply([lost, model.join()]);
      };
      const before = queueService.calls.snapshots;
      const { status, body } = await position.position(ticket);
      assert.deepEqual([status, body.position, body.waiting], [200, 2, 4]);
      await isRight(model);
      assert.equal(queueService.calls.snapshots, before + 1);
    });

    it('returns 503 within the command timeout while Redis hangs, and recovers', async () => {
      const hurried = await startPosition({
        redisUrl: server.url,
        queueService,
        clock,
        commandTimeoutMs: 300,
      });
      try {
        const model = lineOf(1);
        const ticket = model.ticket([...model.parties.keys()][0] as string);
        await until('it answers', async () => (await hurried.position(ticket)).status === 200);
        server.signal('SIGSTOP');
        try {
          assert.equal((await hurried.position(ticket)).status, 503);
        } finally {
          server.signal('SIGCONT');
        }
        await until('it answers again', async () => {
          return (await hurried.position(ticket)).status === 200;
        });
      } finally {
        await hurried.close();
      }
    });
  });
});
