import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { ManualClock } from '@queue-manager/service-kit/clock';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { credentialHeader } from '@queue-manager/service-kit/internal-credential';
import { testCredential, testEnv, until } from '@queue-manager/service-kit/testing';
import { comparedKey, lineKeys } from '../projection/line-keys.ts';
import {
  LineModel,
  type PositionDouble,
  type QueueServiceDouble,
  startPosition,
  startQueueService,
} from '../testing.ts';
import type { Difference } from './compare-line.ts';

describe('the reconciler', () => {
  const clock = new ManualClock();
  let queueService: QueueServiceDouble;
  let position: PositionDouble;

  const started = new AsyncDisposableStack();
  before(async () => {
    queueService = started.adopt(await startQueueService(), (service) => service.close());
    position = await comparing({ lagMs: 1_000 });
  });
  after(() => started.disposeAsync());

  async function comparing(
    options: { lagMs: number; everyMs?: number },
    owner = started,
  ): Promise<PositionDouble> {
    const { lagMs, everyMs = 40 } = options;
    return owner.adopt(
      await startPosition({
        redisUrl: testEnv('REDIS_URL'),
        queueService,
        clock,
        compareTimes: { checksumEveryMs: everyMs, wholeEveryMs: everyMs, lagMs },
      }),
      (service) => service.close(),
    );
  }

  /** Sum of a counter over all series with these labels. */
  async function count(
    of: PositionDouble,
    name: string,
    labels: Record<string, string> = {},
  ): Promise<number> {
    const headers = { [credentialHeader]: testCredential };
    const { body } = await of.app.inject({ url: '/metrics', headers });
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    return body
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) && wanted.every((part) => line.includes(part)))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  function lineOf(parties: number): LineModel {
    const model = new LineModel(clock);
    for (let made = 0; made < parties; made++) model.join();
    queueService.lines.set(model.queueId, model);
    return model;
  }

  type Keys = Record<'meta' | 'line' | 'parties' | 'called' | 'pending' | 'ended', string>;
  function keysOf(model: LineModel): Keys {
    const [meta, line, parties, called, pending, ended] = lineKeys(model.queueId, clock.now());
    return { meta, line, parties, called, pending, ended } as Keys;
  }

  /** All data of a projection, in Redis's order. */
  async function stored(model: LineModel) {
    const { meta, line, parties, called, pending } = keysOf(model);
    const { redis } = position;
    const { writtenBy: _, ...facts } = await redis.hgetall(meta);
    const hex = (values: Buffer[]) => values.map((value) => value.toString('hex'));
    const fields = await redis.hkeysBuffer(parties);
    const values = await redis.hvalsBuffer(parties);
    return {
      facts,
      line: hex(await redis.zrangeBuffer(line, '0', '-1', 'WITHSCORES')),
      called: hex(await redis.zrangeBuffer(called, '0', '-1', 'WITHSCORES')),
      parties: hex(fields.map((field, at) => Buffer.concat([field, values[at] as Buffer]))).sort(),
      pending: await redis.hlen(pending),
    };
  }

  const memberOf = (model: LineModel, partyId: string, keyOf = partyId) => {
    const orderKey = model.parties.get(keyOf)?.orderKey as string;
    return Buffer.concat([Buffer.from(orderKey, 'hex'), uuidToBytes(partyId)]);
  };

  type Target = { model: LineModel; keys: Keys; waiting: string[]; called: string; left: string };
  const faults: [
    what: string,
    difference: Difference,
    inject: (target: Target) => Promise<unknown>,
  ][] = [
    ['a wrong queue name', 'queue', ({ keys }) => position.redis.hset(keys.meta, 'name', 'Bar')],
    [
      'a wrong queue state',
      'queue',
      ({ keys }) => position.redis.hset(keys.meta, 'state', 'closed'),
    ],
    [
      'a deletion that never happened',
      'queue',
      ({ keys }) => position.redis.hset(keys.meta, 'deleted', '1'),
    ],
    ['a seq ahead of MySQL', 'ahead', ({ keys }) => position.redis.hincrby(keys.meta, 'seq', 7)],
    ['a lost last event', 'behind', ({ keys }) => position.redis.hincrby(keys.meta, 'seq', -1)],
    ['no meta', 'missing', ({ keys }) => position.redis.del(keys.meta)],
    [
      'a missing party, and counts that match',
      'counts',
      async ({ model, keys, waiting }) => {
        await position.redis.zrem(keys.line, memberOf(model, waiting[1] as string));
        await position.redis.hdel(keys.parties, uuidToBytes(waiting[1] as string));
        await position.redis.hincrby(keys.meta, 'waiting', -1);
      },
    ],
    [
      'two places swapped in the line only',
      'parties',
      async ({ model, keys, waiting }) => {
        const [one, other] = [waiting[1] as string, waiting[3] as string];
        await position.redis.zrem(keys.line, memberOf(model, one), memberOf(model, other));
        const swapped = [memberOf(model, one, other), memberOf(model, other, one)];
        await position.redis.zadd(keys.line, ...swapped.flatMap((member) => [1, member]));
        await position.redis.hset(keys.meta, 'waiting', waiting.length);
      },
    ],
    [
      'two places swapped everywhere',
      'parties',
      async ({ model, keys, waiting }) => {
        const [one, other] = [waiting[0] as string, waiting[2] as string];
        for (const [partyId, keyOf] of [
          [one, other],
          [other, one],
        ] as const) {
          const own = memberOf(model, partyId);
          const field = uuidToBytes(partyId);
          const value = (await position.redis.hgetBuffer(keys.parties, field)) as Buffer;
          const before = value.subarray(0, value.length - own.length);
          const member = memberOf(model, partyId, keyOf);
          await position.redis.hset(keys.parties, field, Buffer.concat([before, member]));
          await position.redis.zadd(keys.line, 1, member);
          await position.redis.zrem(keys.line, own);
        }
      },
    ],
    [
      'a wrong lane',
      'parties',
      ({ model, keys, waiting }) =>
        position.redis.zadd(keys.line, 0, memberOf(model, waiting[0] as string)),
    ],
    [
      'a wrong party state',
      'parties',
      async ({ keys, waiting }) => {
        const field = uuidToBytes(waiting[0] as string);
        const value = (await position.redis.hgetBuffer(keys.parties, field)) as Buffer;
        const tail = value.subarray(value.indexOf('|'));
        await position.redis.hset(
          keys.parties,
          field,
          Buffer.concat([Buffer.from('called'), tail]),
        );
      },
    ],
    [
      'a wrong party among the called',
      'parties',
      async ({ keys, called }) => {
        await position.redis.zadd(keys.called, clock.now().getTime(), uuidToBytes(randomUUID()));
        await position.redis.zrem(keys.called, uuidToBytes(called));
      },
    ],
    [
      'a wrong time of a call',
      'parties',
      ({ keys, called }) => position.redis.zadd(keys.called, 1, uuidToBytes(called)),
    ],
    [
      'a buffered event that never happened',
      'ahead',
      ({ keys }) => position.redis.hset(keys.pending, '4711', 'what'),
    ],
    [
      'a wrong state of a party that left',
      'ended',
      ({ keys, left }) => position.redis.hset(keys.ended, uuidToBytes(left), 'seated'),
    ],
  ];

  for (const [what, difference, inject] of faults) {
    it(`repairs and counts a projection with ${what}`, async () => {
      const model = lineOf(7);
      const [called, left] = model.order() as [string, string];
      // From here on the queue is in use.
      assert.equal((await position.board(model.queueId)).status, 200);
      const { status } = await position.apply([model.call(called), model.end(left, 'left')]);
      assert.equal(status, 200);
      const sound = await stored(model);
      const before = await count(position, 'line_repairs_total', { difference });
      await inject({ model, keys: keysOf(model), waiting: model.order(), called, left });

      await until('a repair is counted', async () => {
        const now = await count(position, 'line_repairs_total', { difference });
        return now > before;
      });
      assert.equal(await count(position, 'line_repairs_total', { difference }), before + 1);
      assert.deepEqual(await stored(model), sound);
      const { body } = await position.position(model.ticket(left));
      assert.deepEqual([body.state, body.seq], ['left', model.queue.seq]);
    });
  }

  it('repairs each fault once', async () => {
    const same = { kind: 'whole', outcome: 'same' };
    const before = await count(position, 'line_comparisons_total', same);
    await until('all lines were compared again', async () => {
      return (await count(position, 'line_comparisons_total', same)) > before + 2 * faults.length;
    });
    assert.equal(await count(position, 'line_repairs_total'), faults.length);
  });

  it('repairs a projection while it keeps changing', async () => {
    const model = lineOf(2_500);
    const ticket = model.ticket(model.order()[0] as string);
    await until(
      'the projection exists',
      async () => (await position.position(ticket)).status === 200,
    );
    const [, one, , other] = model.order() as [string, string, string, string];
    const keys = keysOf(model);
    await position.redis.zadd(keys.line, 0, memberOf(model, one), 0, memberOf(model, other));
    const before = await count(position, 'line_repairs_total');
    await until('a repair is counted', async () => {
      assert.equal((await position.apply([model.join()])).status, 200);
      return (await count(position, 'line_repairs_total')) > before;
    });
    const wrong = model.ticket(other);
    const { body } = await position.position(wrong);
    assert.deepEqual([body.position, body.seq], [4, model.queue.seq]);
  });

  it('leaves a correct projection alone while it keeps changing', async () => {
    // Events are slow on a busy machine.
    await using own = new AsyncDisposableStack();
    const patient = await comparing({ lagMs: 60_000 }, own);
    const model = lineOf(2_500);
    const ticket = model.ticket(model.order()[0] as string);
    await until(
      'the projection exists',
      async () => (await patient.position(ticket)).status === 200,
    );
    await until('it was compared several times', async () => {
      const events = [model.join(), model.call(model.order()[0] as string)];
      const [called] = model.inState('called');
      if (called !== undefined) events.push(model.end(called.partyId, 'seated'));
      // One after the other, so that comparisons happen in between.
      for (const event of events) assert.equal((await patient.apply([event])).status, 200);
      assert.equal((await patient.position(ticket)).status, 200);
      return (
        (await count(patient, 'line_comparisons_total', { kind: 'whole', outcome: 'same' })) > 5
      );
    });
    assert.equal(await count(patient, 'line_repairs_total'), 0);
  });

  it('repairs in one of several processes per interval', async () => {
    // The interval must be longer than a repair, even on a busy machine.
    const times = { lagMs: 60_000, everyMs: 500 };
    await using own = new AsyncDisposableStack();
    const processes = [await comparing(times, own), await comparing(times, own)];
    const model = lineOf(7);
    const key = comparedKey(model.queueId, 'whole');
    const compared = { kind: 'whole', outcome: 'same' };
    const repairs = async () => {
      const counts = await Promise.all(processes.map((of) => count(of, 'line_repairs_total')));
      return counts.reduce((sum, one) => sum + one);
    };
    // The key blocks comparisons by other processes while it exists.
    await position.redis.set(key, '');
    for (const process of processes) {
      assert.equal((await process.board(model.queueId)).status, 200);
      // Another queue, by which the process's rounds are counted.
      assert.equal((await process.board(lineOf(1).queueId)).status, 200);
    }
    const [first] = model.order() as [string];
    await position.redis.zadd(keysOf(model).line, 0, memberOf(model, first));
    const rounds = async (process: PositionDouble, more: number) => {
      const before = await count(process, 'line_comparisons_total', compared);
      await until('its round is complete', async () => {
        return (await count(process, 'line_comparisons_total', compared)) >= before + more;
      });
    };
    for (const process of processes) await rounds(process, 5);
    assert.equal(await repairs(), 0);

    await position.redis.del(key);
    await until('it is repaired', async () => (await repairs()) > 0);
    for (const process of processes) await rounds(process, 5);
    assert.equal(await repairs(), 1);
  });

  it('leaves deleted queues alone, also once they are erased', async () => {
    await using own = new AsyncDisposableStack();
    const process = await comparing({ lagMs: 60_000 }, own);
    const [deleted, gone, other] = [lineOf(2), lineOf(2), lineOf(1)];
    for (const { queueId } of [deleted, gone, other]) {
      assert.equal((await process.board(queueId)).status, 200);
    }
    const ends = deleted.order().map((partyId) => deleted.end(partyId, 'removed'));
    const { status } = await process.apply([...ends, deleted.changeQueue({ deleted: true })]);
    assert.equal(status, 200);
    queueService.lines.delete(gone.queueId);
    await until('all were compared several times', async () => {
      const same = { kind: 'whole', outcome: 'same' };
      return (await count(process, 'line_comparisons_total', same)) > 20;
    });
    assert.equal(await count(process, 'line_repairs_total'), 0);
  });

  it('shares a running rebuild of a missing projection', async () => {
    await using own = new AsyncDisposableStack();
    const process = await comparing({ lagMs: 1_000 }, own);
    const model = lineOf(3);
    assert.equal((await process.board(model.queueId)).status, 200);
    const leave = Promise.withResolvers<void>();
    const isTaken = Promise.withResolvers<void>();
    queueService.beforeSnapshotLeaves = () => {
      isTaken.resolve();
      return leave.promise;
    };
    try {
      await position.redis.del(...lineKeys(model.queueId, clock.now()));
      const reader = process.position(model.ticket(model.order()[1] as string));
      await isTaken.promise;
      await until('the comparison finds it missing', async () => {
        const missing = { outcome: 'missing' };
        return (await count(process, 'line_comparisons_total', missing)) > 0;
      });
      leave.resolve();
      // A guest that had to wait too long retries.
      assert.ok([200, 503].includes((await reader).status));
    } finally {
      leave.resolve();
      queueService.beforeSnapshotLeaves = async () => undefined;
    }
    await until('the repair is counted', async () => {
      return (await count(process, 'line_repairs_total')) > 0;
    });
    assert.equal(await count(process, 'line_repairs_total', { difference: 'missing' }), 1);
    const { body } = await process.position(model.ticket(model.order()[1] as string));
    assert.deepEqual([body.position, body.seq], [2, model.queue.seq]);
  });
});
