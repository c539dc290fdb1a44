import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { LineEvent } from '@queue-manager/contracts/internal';
import { lanes, type PartyState } from '@queue-manager/contracts/parties';
import { ManualClock } from '@queue-manager/service-kit/clock';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import { testEnv, until } from '@queue-manager/service-kit/testing';
import fc from 'fast-check';
import {
  LineModel,
  type PositionDouble,
  type QueueServiceDouble,
  startPosition,
  startQueueService,
} from '../testing.ts';
import { lineKeys } from './line-keys.ts';

type Turn = {
  model: LineModel;
  /** Chooses the party, as a share of the candidates. */
  who: number;
  key: Uint8Array;
};

/** Acts on a party in one of the given states, if there is any. */
function one({ model, who }: Turn, states: PartyState[], move: (partyId: string) => void): void {
  const could = states.flatMap((state) => model.inState(state));
  const party = could[Math.floor(who * could.length)];
  if (party !== undefined) move(party.partyId);
}

/** The possible changes. */
const moves: Record<string, (turn: Turn) => void> = {
  join: ({ model, who }) => {
    model.join(who < 0.7 ? 'regular' : 'priority');
  },
  call: (turn) => one(turn, ['waiting'], (id) => turn.model.call(id)),
  recall: (turn) => one(turn, ['called'], (id) => turn.model.call(id)),
  seat: (turn) => one(turn, ['called'], (id) => turn.model.end(id, 'seated')),
  walkIn: (turn) => one(turn, ['waiting'], (id) => turn.model.end(id, 'seated')),
  noShow: (turn) => one(turn, ['called'], (id) => turn.model.end(id, 'no_show')),
  leave: (turn) => one(turn, ['waiting', 'called'], (id) => turn.model.end(id, 'left')),
  remove: (turn) => one(turn, ['waiting', 'called'], (id) => turn.model.end(id, 'removed')),
  restore: (turn) =>
    one(turn, ['called', 'seated', 'left', 'no_show', 'removed'], (id) =>
      turn.model.change(id, { state: 'waiting' }),
    ),
  resize: (turn) =>
    one(turn, ['waiting', 'called'], (id) => turn.model.change(id, { size: turn.key.length })),
  // Also a called party whose guest lets others go first.
  move: (turn) =>
    one(turn, ['waiting', 'called'], (id) =>
      turn.model.change(id, {
        state: 'waiting',
        orderKey: `${Buffer.from(turn.key).toString('hex')}00`,
        lane: turn.who < 0.5 ? 'regular' : 'priority',
      }),
    ),
  changeQueue: ({ model, who, key }) => {
    model.changeQueue({ state: who < 0.5 ? 'open' : 'paused', name: `Line ${key.length}` });
  },
};

const night = (lengths: { minLength: number }) =>
  fc.array(
    fc.record({
      // Joins are the most frequent change.
      what: fc.constantFrom('join', 'join', 'call', ...Object.keys(moves)),
      who: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      seconds: fc.integer({ min: 0, max: 2_400 }),
      key: fc.uint8Array({ min: 1, max: 255, minLength: 1, maxLength: 5 }),
    }),
    { ...lengths, maxLength: 60 },
  );

describe('the projection', () => {
  let queueService: QueueServiceDouble;
  let position: PositionDouble;
  const clock = new ManualClock();
  const start = clock.now();

  const started = new AsyncDisposableStack();
  before(async () => {
    queueService = started.adopt(await startQueueService(), (service) => service.close());
    position = started.adopt(
      await startPosition({ redisUrl: testEnv('REDIS_URL'), queueService, clock }),
      (service) => service.close(),
    );
  });
  after(() => started.disposeAsync());

  /** All data of a projection. */
  async function stored(queueId: string) {
    const [meta, line, parties, called, pending, ended, endedBefore] = lineKeys(
      queueId,
      clock.now(),
    ) as [string, string, string, string, string, string, string];
    const { redis } = position;
    const idsOf = (members: Buffer[]) => members.map((member) => bytesToUuid(member.subarray(-16)));
    const partyIds = idsOf(await redis.hkeysBuffer(parties)).sort();
    const endedStates = new Map<string, string>();
    for (const key of [endedBefore, ended]) {
      const ids = await redis.hkeysBuffer(key);
      const states = await redis.hvals(key);
      ids.forEach((id, index) => {
        endedStates.set(bytesToUuid(id), states[index] as string);
      });
    }
    return {
      meta: await redis.hgetall(meta),
      order: idsOf(await redis.zrangeBuffer(line, '0', '-1')),
      scores: (await redis.zrange(line, '0', '-1', 'WITHSCORES')).filter(
        (_, index) => index % 2 === 1,
      ),
      partyIds,
      called: idsOf(await redis.zrangeBuffer(called, '0', '-1')),
      pending: await redis.hlen(pending),
      endedStates,
    };
  }

  async function matchesModel(model: LineModel, knowsEnded: 'all' | 'some'): Promise<void> {
    const { meta, order, scores, partyIds, called, pending, endedStates } = await stored(
      model.queueId,
    );
    assert.equal(meta.seq, String(model.queue.seq));
    assert.equal(meta.name, model.queue.name);
    assert.equal(meta.state, model.queue.state);
    assert.deepEqual(order, model.order());
    assert.deepEqual(
      scores,
      order.map((id) => String(lanes.indexOf(model.parties.get(id)?.lane ?? 'regular'))),
    );
    const calledIds = model.inState('called').map(({ partyId }) => partyId);
    assert.deepEqual(partyIds, [...model.order(), ...calledIds].sort());
    assert.deepEqual([...called].sort(), calledIds.sort());
    assert.equal(pending, 0);
    const isInLine = new Set(partyIds);
    const modelEnded = [...model.parties.values()].filter(({ partyId }) => !isInLine.has(partyId));
    if (knowsEnded === 'all') assert.equal(endedStates.size, modelEnded.length);
    for (const [partyId, state] of endedStates) {
      assert.equal(model.parties.get(partyId)?.state, state);
    }
  }

  /** A queue with a projection from its first event on. */
  async function freshLine(): Promise<LineModel> {
    clock.set(start);
    const model = new LineModel(clock);
    queueService.lines.set(model.queueId, model);
    await position.apply(model.events);
    return model;
  }

  function play(
    model: LineModel,
    steps: { what: string; who: number; seconds: number; key: Uint8Array }[],
  ) {
    for (const { what, who, seconds, key } of steps) {
      clock.advance(seconds);
      moves[what]?.({ model, who, key });
    }
    clock.set(start);
  }

  async function deliver(batches: LineEvent[][]): Promise<void> {
    for (const batch of batches) {
      if (batch.length > 0) assert.equal((await position.apply(batch)).status, 200);
    }
  }

  /** Events in random order, some repeated, in batches of random size. */
  function shuffled(events: readonly LineEvent[], random: () => number): LineEvent[][] {
    const deliveries = events.flatMap((event) => (random() < 0.3 ? [event, event] : [event]));
    for (let at = deliveries.length - 1; at > 0; at--) {
      const other = Math.floor(random() * (at + 1));
      [deliveries[at], deliveries[other]] = [
        deliveries[other] as LineEvent,
        deliveries[at] as LineEvent,
      ];
    }
    const batches: LineEvent[][] = [];
    while (deliveries.length > 0) {
      batches.push(deliveries.splice(0, 1 + Math.floor(random() * 12)));
    }
    return batches;
  }

  const randomFrom = (seed: number) => {
    let state = seed;
    // mulberry32, so that failures are reproducible from the seed.
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
    };
  };

  it('ends in the same state for any order and repetition of events', async () => {
    await fc.assert(
      fc.asyncProperty(night({ minLength: 0 }), fc.integer(), async (steps, seed) => {
        const model = await freshLine();
        play(model, steps);
        clock.set(start);
        await deliver(shuffled(model.events, randomFrom(seed)));
        await matchesModel(model, 'all');
      }),
      { numRuns: 60 },
    );
  });

  it('ends in the same state when events are lost as well, once it is read', async () => {
    await fc.assert(
      fc.asyncProperty(night({ minLength: 5 }), fc.integer(), async (steps, seed) => {
        const model = await freshLine();
        play(model, steps);
        const random = randomFrom(seed);
        const arriving = model.events.filter(() => random() < 0.8);
        await deliver(shuffled(arriving, random));
        // Every guest reads its position.
        for (const { partyId, state } of model.parties.values()) {
          const { status, body } = await position.position(model.ticket(partyId));
          assert.equal(status, 200);
          if ((await stored(model.queueId)).meta.seq === String(model.queue.seq)) {
            assert.equal(body.state, state);
          }
        }
        // The latest event reveals any remaining gap.
        const newest = model.changeQueue({ name: 'The last word' });
        await position.apply([newest]);
        await until('the gap is closed', async () => {
          const { meta, pending } = await stored(model.queueId);
          return meta.seq === String(model.queue.seq) && pending === 0;
        });
        await matchesModel(model, 'some');
      }),
      // Each run with a gap takes a second.
      { numRuns: 8 },
    );
  });

  it('does not bring back an ended party on an old event', async () => {
    const model = await freshLine();
    const joined = model.join();
    const called = model.call(joined.subject);
    const seated = model.end(joined.subject, 'seated');
    await deliver([[joined], [called], [seated]]);
    await deliver([[called], [joined], [seated, joined, called]]);
    await matchesModel(model, 'all');
    const { body } = await position.position(model.ticket(joined.subject));
    assert.deepEqual([body.state, body.position], ['seated', null]);
  });

  it('remembers a party that left over midnight', async () => {
    const model = await freshLine();
    const left = model.join();
    await deliver([[left], [model.end(left.subject, 'left')]]);
    clock.advance(13 * 60 * 60);
    const before = { ...queueService.calls };
    const { body } = await position.position(model.ticket(left.subject));
    assert.equal(body.state, 'left');
    assert.deepEqual(queueService.calls, before);
    // Today's state counts, not yesterday's.
    await deliver([
      [model.change(left.subject, { state: 'waiting' })],
      [model.end(left.subject, 'removed')],
    ]);
    assert.equal((await position.position(model.ticket(left.subject))).body.state, 'removed');
  });
});
