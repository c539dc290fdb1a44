import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { LineEvent } from '@queue-manager/contracts/internal';
import type { PartyState } from '@queue-manager/contracts/parties';
import { createPublisher } from '@queue-manager/events/publish';
import { ManualClock } from '@queue-manager/service-kit/clock';
import { until } from '@queue-manager/service-kit/testing';
import { lineKeys } from '../projection/line-keys.ts';
import {
  LineModel,
  type PositionDouble,
  type QueueServiceDouble,
  type RedisServer,
  startPosition,
  startQueueService,
  startRedis,
} from '../testing.ts';

/** What the service may answer about a queue: its state after each of its events. */
class Recorded {
  readonly model: LineModel;
  readonly #at = new Map<number, { order: string[]; states: Map<string, PartyState> }>();

  constructor(model: LineModel) {
    this.model = model;
    this.#record();
  }

  /** Makes one random change. */
  change(): LineEvent {
    const { model } = this;
    const anybody = (state: PartyState) => {
      const parties = model.inState(state);
      return parties.length === 0 ? undefined : parties[randomInt(parties.length)]?.partyId;
    };
    const event = (() => {
      const [waiting, called, left] = [anybody('waiting'), anybody('called'), anybody('left')];
      switch (randomInt(8)) {
        case 0:
          if (called !== undefined) return model.end(called, 'seated');
          break;
        case 1:
          if (waiting !== undefined) return model.end(waiting, 'left');
          break;
        case 2:
          if (left !== undefined) return model.change(left, { state: 'waiting' });
          break;
        case 3:
          if (waiting !== undefined) return model.change(waiting, { orderKey: model.nextKey() });
          break;
        case 4:
          if (waiting !== undefined) return model.change(waiting, { lane: 'priority' });
          break;
        case 5:
          if (model.order().length > 4) return model.call(model.order()[0] as string);
          break;
        case 6:
          return model.changeQueue({ state: randomInt(2) === 0 ? 'open' : 'paused' });
      }
      return model.join();
    })();
    this.#record();
    return event;
  }

  /** The correct answer as of `seq`. */
  told(partyId: string, seq: number) {
    const line = this.#at.get(seq);
    assert.ok(
      line,
      `nothing happened in the line behind ${this.model.queue.seq}, and ${seq} was told`,
    );
    const state = line.states.get(partyId);
    const position = state === 'waiting' ? line.order.indexOf(partyId) + 1 : null;
    return { seq, state, position, ahead: position === null ? null : position - 1 };
  }

  waiting(seq: number): number | undefined {
    return this.#at.get(seq)?.order.length;
  }

  #record(): void {
    const { queue, parties } = this.model;
    const states = new Map(Array.from(parties.values(), ({ partyId, state }) => [partyId, state]));
    this.#at.set(queue.seq, { order: this.model.order(), states });
  }
}

describe('events in any order, repeated or lost', () => {
  const clock = new ManualClock();
  let server: RedisServer;
  let queueService: QueueServiceDouble;
  let processes: PositionDouble[];
  let isOutage = false;

  const started = new AsyncDisposableStack();
  before(async () => {
    server = started.adopt(await startRedis(), (redis) => redis.remove());
    queueService = started.adopt(await startQueueService(), (service) => service.close());
    processes = [];
    for (let count = 0; count < 2; count++) {
      processes.push(
        started.adopt(
          await startPosition({
            redisUrl: server.url,
            queueService,
            clock,
            directRebuildWaitMs: 40,
          }),
          (service) => service.close(),
        ),
      );
    }
  });
  after(() => started.disposeAsync());

  const anyProcess = () => processes[randomInt(processes.length)] as PositionDouble;

  function lineOf(parties: number): Recorded {
    const model = new LineModel(clock);
    for (let made = 0; made < parties; made++) model.join();
    queueService.lines.set(model.queueId, model);
    return new Recorded(model);
  }

  /** Polls a ticket at changing processes until `isOver`: every answer must be correct as of its `seq`, which must not decrease. */
  async function look(line: Recorded, partyId: string, isOver: () => boolean): Promise<number> {
    const ticket = line.model.ticket(partyId);
    let looks = 0;
    let last = 0;
    while (!isOver()) {
      const mayFail = isOutage;
      const { status, body } = await anyProcess().position(ticket);
      if (status === 503 && (mayFail || isOutage)) continue;
      assert.equal(status, 200, JSON.stringify(body));
      const { seq, state, position, ahead, waiting } = body;
      assert.ok(seq >= last, `told of ${seq} after ${last}`);
      assert.deepEqual({ seq, state, position, ahead }, line.told(partyId, seq));
      if (position !== null) assert.equal(waiting, line.waiting(seq), `how many wait at ${seq}`);
      last = seq;
      looks += 1;
    }
    return looks;
  }

  /** Delivers events both ways, late, shuffled and repeated, and loses some. */
  async function deliver(pool: LineEvent[]): Promise<void> {
    const ready = pool.splice(0).filter((event) => {
      const isLate = randomInt(4) === 0;
      if (isLate) pool.push(event);
      return !isLate;
    });
    const directly: LineEvent[] = [];
    const byMessage: LineEvent[] = [];
    for (const event of ready) {
      const fate = randomInt(20);
      if (fate === 0) continue;
      if (fate < 14) directly.splice(randomInt(directly.length + 1), 0, event);
      if (fate > 10) byMessage.splice(randomInt(byMessage.length + 1), 0, event, event);
      if (fate > 17) pool.push(event);
    }
    const ways = [];
    if (byMessage.length > 0) {
      const { sqs, prefix } = anyProcess().queues;
      ways.push(createPublisher({ sqs, prefix }).publish(byMessage));
    }
    if (directly.length > 0) {
      ways.push(
        anyProcess()
          .apply(directly)
          .then(({ status }) => assert.equal(status, 200)),
      );
    }
    await Promise.all(ways);
  }

  async function night(
    line: Recorded,
    rounds: number,
    disturb: (round: number) => Promise<unknown>,
  ) {
    let isOver = false;
    const guests = [...line.model.parties.keys()].slice(0, 12);
    const looking = guests.map((partyId) => look(line, partyId, () => isOver));
    const pool: LineEvent[] = [];
    const changing = (async () => {
      for (let round = 0; round < rounds; round++) {
        for (let changes = randomInt(1, 5); changes > 0; changes--) pool.push(line.change());
        await deliver(pool);
        await disturb(round);
      }
    })();
    try {
      await Promise.race([changing, Promise.all(looking)]);
    } finally {
      isOver = true;
    }
    const looks = await Promise.all(looking);
    assert.ok(looks.every((count) => count > 0));
    // A lost last event shows as a gap once another event follows.
    const { status } = await anyProcess().apply([line.model.changeQueue({})]);
    assert.equal(status, 200);
    const { model } = line;
    for (const partyId of model.parties.keys()) {
      for (const process of processes) {
        const told = await until('the answer is up to date', async () => {
          const { status, body } = await process.position(model.ticket(partyId));
          return status === 200 && body.seq === model.queue.seq && body;
        });
        const position = model.order().indexOf(partyId) + 1;
        assert.equal(told.state, model.parties.get(partyId)?.state);
        assert.equal(told.position, position === 0 ? null : position);
      }
    }
  }

  it('never make an answer wrong or go back', async () => {
    await night(lineOf(20), 200, async () => undefined);
  });

  it('never do so while Redis loses the projection again and again', async () => {
    const line = lineOf(20);
    const keys = lineKeys(line.model.queueId, clock.now());
    await night(line, 200, async (round) => {
      const { redis } = anyProcess();
      if (round % 10 === 3) await redis.flushall();
      if (round % 10 === 8) await redis.del(keys[randomInt(keys.length)] as string);
    });
  });

  it('never do so when Redis restarts from an older state', async () => {
    await night(lineOf(20), 120, async (round) => {
      if (round % 30 === 10) await anyProcess().redis.save();
      if (round % 30 !== 20) return;
      isOutage = true;
      await server.kill();
      await server.start();
      for (const process of processes) {
        await until(
          'the process is ready',
          async () => (await process.get('/readyz')).status === 200,
        );
      }
      isOutage = false;
    });
  });
});
