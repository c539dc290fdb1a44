import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Lane } from '@queue-manager/contracts/parties';
import fc from 'fast-check';
import type { LearningEvent } from './learning-event.ts';
import {
  createModel,
  estimate,
  type Model,
  modelName,
  observe,
  restore,
  type Standing,
  serialise,
} from './model.ts';

const start = Date.parse('2026-05-29T17:00:00Z');

type Step = {
  kind: LearningEvent['kind'];
  party: number;
  lane: Lane;
  seconds: number;
  /** 2 if not given. */
  size?: number;
};

/** Builds events from steps, each given with the seconds since the previous one. */
function eventsOf(steps: readonly Step[]): LearningEvent[] {
  let timeMs = start;
  const joinedAt = new Map<number, number>();
  const sizes = new Map<number, number>();
  return steps.map(({ kind, party, lane, seconds, size = 2 }, index) => {
    timeMs += seconds * 1_000;
    const seq = index + 1;
    if (kind === 'line') return { kind, seq, timeMs, moves: party % 2 === 0 };
    if (kind === 'joined') joinedAt.set(party, timeMs);
    const joinedAtMs = joinedAt.get(party) ?? start;
    const partyId = idOf(party);
    const sizeBefore = sizes.get(party) ?? 2;
    sizes.set(party, size);
    if (kind === 'resized') return { kind, seq, timeMs, partyId, size, sizeBefore };
    return { kind, seq, timeMs, partyId, lane, size, joinedAtMs };
  });
}

function idOf(party: number): string {
  return `00000000-0000-7000-8000-${party.toString(16).padStart(12, '0')}`;
}

function learned(steps: readonly Step[]): Model {
  const model = createModel();
  for (const event of eventsOf(steps)) observe(model, event);
  return model;
}

/** A line of constant `length`: every `gap` seconds the first party is called and another one joins. */
function steady(options: { length: number; gap: number; calls: number; from?: number }): Step[] {
  const { length, gap, calls, from = 0 } = options;
  const lane = 'regular';
  const joins = Array.from({ length }, (_, i) => ({
    kind: 'joined' as const,
    party: from + i,
    lane,
    seconds: 1,
  }));
  const turns = Array.from({ length: calls }, (_, i): Step[] => [
    { kind: 'called', party: from + i, lane, seconds: gap },
    { kind: 'joined', party: from + length + i, lane, seconds: 0 },
  ]);
  return [...joins, ...turns.flat()] as Step[];
}

const ask = (model: Model, standing: Partial<Standing> = {}) =>
  estimate(model, {
    ahead: 4,
    lane: 'regular',
    size: 2,
    waiting: 5,
    nowMs: model.timeMs,
    ...standing,
  });

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom<LearningEvent['kind']>(
      ...([
        'joined',
        'joined',
        'joined',
        'called',
        'called',
        'gone',
        'uncalled',
        'removed',
        'moved',
        'resized',
        'returned',
        'line',
      ] as const),
    ),
    party: fc.nat(30),
    size: fc.integer({ min: 1, max: 100 }),
    lane: fc.constantFrom<Lane>('regular', 'priority'),
    // Clocks of several machines may go back in time; also nights and abandoned queues.
    seconds: fc.oneof(fc.integer({ min: -5, max: 400 }), fc.constantFrom(0, 40_000, 30_000_000)),
  }),
  { maxLength: 300 },
);

const standings = fc.record({
  ahead: fc.oneof(fc.nat(30), fc.constant(1_000_000)),
  lane: fc.constantFrom<Lane>('regular', 'priority'),
  size: fc.option(fc.integer({ min: 1, max: 100 })),
  waiting: fc.oneof(fc.nat(40), fc.constant(1_000_001)),
  nowMs: fc.integer({ min: start - 1_000_000, max: start + 100_000_000_000 }),
});

describe('the model of waits', () => {
  it('estimates two minutes per party for the first guest, with a wide interval', () => {
    const first = ask(createModel(), { ahead: 0, waiting: 1 });
    assert.deepEqual(first, { p10: 13, p50: 83, p90: 276 });
    const fifth = ask(createModel());
    assert.ok(fifth.p50 > 4 * 120 && fifth.p50 < 5 * 120, JSON.stringify(fifth));
  });

  it('learns the pace within ten calls', () => {
    const { p50 } = ask(learned(steady({ length: 8, gap: 20, calls: 9 })));
    assert.ok(p50 > 60 && p50 < 160, `five gaps of 20 s are ${p50} s`);
  });

  it('follows any pace, and changes of it', () => {
    for (const gap of [6, 60, 600]) {
      const model = learned(steady({ length: 8, gap, calls: 400 }));
      const { p50 } = ask(model, { ahead: 7, waiting: 8 });
      assert.ok(Math.abs(p50 / (8 * gap) - 1) < 0.15, `eight gaps of ${gap} s are ${p50} s`);
      // Parties further ahead are estimated from others that got there.
      const midway = ask(model, { ahead: 3, waiting: 8 });
      assert.ok(Math.abs(midway.p50 / (4 * gap) - 1) < 0.1, JSON.stringify(midway));
      for (let ahead = 0; ahead < 20; ahead++) {
        const { p10, p50, p90 } = ask(model, { ahead, waiting: ahead + 1 });
        assert.ok(p10 <= p50 && p50 <= p90, `${p10} ${p50} ${p90}`);
      }
    }
    const slow = steady({ length: 8, gap: 300, calls: 150, from: 10_000 }).slice(8);
    const changed = learned([...steady({ length: 8, gap: 30, calls: 150 }), ...slow]);
    const { p50 } = ask(changed, { ahead: 7, waiting: 8 });
    assert.ok(Math.abs(p50 / 2_400 - 1) < 0.25, `eight gaps of 300 s are ${p50} s`);
  });

  it('estimates longer waits for parties further back, in either lane', () => {
    const model = learned(steady({ length: 12, gap: 45, calls: 200 }));
    for (const lane of ['regular', 'priority'] as const) {
      const waits = [0, 3, 6, 11].map((ahead) => ask(model, { ahead, lane, waiting: 12 }).p50);
      assert.deepEqual(
        waits,
        waits.toSorted((a, b) => a - b),
      );
    }
  });

  it('learns that the priority lane is called first, and counts those of its own lane only', () => {
    const turns = Array.from({ length: 200 }, (_, i): Step[] => [
      { kind: 'joined', party: 2 * i, lane: 'regular', seconds: 20 },
      { kind: 'joined', party: 2 * i + 1, lane: 'priority', seconds: 1 },
      { kind: 'called', party: 2 * i + 1, lane: 'priority', seconds: 20 },
      ...(i < 5
        ? []
        : [{ kind: 'called', party: 2 * (i - 5), lane: 'regular', seconds: 1 } as const]),
    ]);
    const model = learned(turns.flat());
    const priority = ask(model, { lane: 'priority', ahead: 0, waiting: 6 });
    const regular = ask(model, { lane: 'regular', ahead: 5, waiting: 6 });
    assert.ok(priority.p90 < 60, JSON.stringify(priority));
    assert.ok(regular.p50 > 130, JSON.stringify(regular));
  });

  it('estimates shorter waits where parties ahead give up', () => {
    const line = (givesUp: boolean) =>
      learned(
        Array.from({ length: 300 }, (_, i): Step[] => [
          { kind: 'joined', party: i, lane: 'regular', seconds: 25 },
          ...(i < 10
            ? []
            : [
                {
                  kind: givesUp && i % 2 ? 'gone' : 'called',
                  party: i - 10,
                  lane: 'regular',
                  seconds: 25,
                } as const,
              ]),
        ]).flat(),
      );
    const patient = ask(line(false), { ahead: 9, waiting: 10 });
    const impatient = ask(line(true), { ahead: 9, waiting: 10 });
    assert.ok(Math.abs(patient.p50 / 500 - 1) < 0.15, JSON.stringify(patient));
    assert.ok(Math.abs(impatient.p50 / 500 - 1) < 0.15, JSON.stringify(impatient));
  });

  it('does not age in a pause', () => {
    // Parties that join later in a gap wait less: the model learns the effect of the time since a call.
    const before = steady({ length: 8, gap: 30, calls: 50 }).map((step, i) => {
      const late = (i * 7) % 30;
      return i < 8 ? step : { ...step, seconds: step.kind === 'called' ? 30 : late };
    });
    const pause: Step[] = [
      { kind: 'line', party: 1, lane: 'regular', seconds: 0 },
      { kind: 'line', party: 2, lane: 'regular', seconds: 5_400 },
    ];
    const after: Step = { kind: 'called', party: 50, lane: 'regular', seconds: 30 };
    const paused = learned([...before, ...pause]);
    const moving = learned(before);
    assert.deepEqual(ask(paused), ask(moving));

    const midway = learned([...before, pause[0] as Step]);
    const later = midway.timeMs + 4_000_000;
    assert.deepEqual(ask(midway, { nowMs: later }), ask(moving), 'nor while it lasts');
    assert.notDeepEqual(ask(moving, { nowMs: later }), ask(moving), 'and time counts otherwise');

    // Parties that waited through the pause teach the pace, not the length of the pause.
    for (const model of [paused, moving]) {
      const seq = model.seq + 1;
      const timeMs = model.timeMs + 30_000;
      const joinedAtMs = start + 1_000;
      observe(model, {
        kind: 'called',
        seq,
        timeMs,
        partyId: idOf(after.party),
        lane: after.lane,
        size: 2,
        joinedAtMs,
      });
    }
    assert.deepEqual(paused.joining, moving.joining);
  });

  it('does not count parties that the staff remove at closing time as giving up', () => {
    const lane = 'regular';
    const evening = steady({ length: 200, gap: 30, calls: 50 });
    const ends = (kind: 'removed' | 'gone') =>
      learned([
        ...evening,
        ...Array.from(
          { length: 200 },
          (_, i) => ({ kind, party: 50 + i, lane, seconds: 0 }) as const,
        ),
      ]);
    assert.equal(ends('removed').pace.goneShare, 0);
    assert.equal(ends('removed').waiting.regular, 0);
    assert.ok(ends('gone').pace.goneShare > 0.9);
  });

  it('learns nothing from a call that was taken back before the next one', () => {
    const lane = 'regular';
    const evening = steady({ length: 6, gap: 30, calls: 40 });
    const later = [
      { kind: 'called', party: 41, lane, seconds: 25 },
      { kind: 'joined', party: 70, lane, seconds: 5 },
      { kind: 'called', party: 42, lane, seconds: 25 },
    ] as const;
    for (const meanwhile of ['joined', 'gone'] as const) {
      const between = { kind: meanwhile, party: 45, lane, seconds: 10 } as const;
      const undone = learned([
        ...evening,
        { kind: 'called', party: 40, lane, seconds: 7 },
        between,
        { kind: 'uncalled', party: 40, lane, seconds: 12 },
        ...later,
      ]);
      const without = learned([
        ...evening,
        { kind: 'moved', party: 40, lane, seconds: 7 },
        between,
        { kind: 'moved', party: 40, lane, seconds: 12 },
        ...later,
      ]);
      const { pace, sizes, joining, inLine, waiting } = undone;
      assert.deepEqual(
        { pace, sizes, joining, inLine, waiting },
        {
          pace: without.pace,
          sizes: without.sizes,
          joining: without.joining,
          inLine: without.inLine,
          waiting: without.waiting,
        },
      );
    }
  });

  it('keeps what it learned from a call that was taken back after the next one', () => {
    const lane = 'regular';
    const evening = steady({ length: 6, gap: 30, calls: 40 });
    const calls = [
      { kind: 'called', party: 40, lane, seconds: 7 },
      { kind: 'called', party: 41, lane, seconds: 7 },
    ] as const;
    const undone = { kind: 'uncalled', party: 40, lane, seconds: 1 } as const;
    const [called, taken] = [
      learned([...evening, ...calls]),
      learned([...evening, ...calls, undone]),
    ];
    assert.deepEqual(taken.joining, called.joining);
    assert.equal(taken.pace.gaps, called.pace.gaps);
    assert.equal(taken.waiting.regular, called.waiting.regular + 1);
  });

  it('counts a party with its new size, and as gone with that one', () => {
    const of = { party: 1, lane: 'regular', seconds: 1 } as const;
    const joins = [
      { kind: 'joined', ...of, size: 2 },
      { kind: 'joined', ...of, party: 2, size: 8 },
    ] as const;
    const counts = (...more: Step[]) =>
      learned([...joins, ...more]).sizes.map(({ waiting }) => waiting);
    const resized = { kind: 'resized', ...of, size: 4 } as const;
    assert.deepEqual(counts(), [1, 0, 0, 1]);
    assert.deepEqual(counts(resized), [0, 1, 0, 1]);
    assert.deepEqual(counts(resized, { kind: 'gone', ...of, size: 4 }), [0, 0, 0, 1]);
  });

  it('ignores events that it has seen', () => {
    const events = eventsOf(steady({ length: 5, gap: 30, calls: 20 }));
    const model = createModel();
    for (const event of events) observe(model, event);
    const before = serialise(model);
    for (const event of events) observe(model, event);
    assert.deepEqual(serialise(model), before);
  });

  it('estimates ordered, non-negative whole numbers', () => {
    fc.assert(
      fc.property(steps, standings, (happened, standing) => {
        const warm = steady({ length: 5, gap: 30, calls: 15, from: 100 });
        const { p10, p50, p90 } = estimate(learned([...warm, ...happened]), standing);
        for (const seconds of [p10, p50, p90])
          assert.ok(Number.isSafeInteger(seconds), `${seconds}`);
        assert.ok(0 <= p10 && p10 <= p50 && p50 <= p90, `${p10} ${p50} ${p90}`);
      }),
      { numRuns: 300 },
    );
  });

  it('is restored from its bytes, and learns as if it had not been serialised', () => {
    fc.assert(
      fc.property(steps, fc.nat(300), standings, (happened, cut, standing) => {
        const events = eventsOf([
          ...steady({ length: 5, gap: 30, calls: 15, from: 100 }),
          ...happened,
        ]);
        const stayed = createModel();
        for (const event of events.slice(0, cut)) observe(stayed, event);
        const bytes = serialise(stayed);
        const back = restore(bytes);
        assert.ok(back);
        assert.deepEqual(estimate(back, standing), estimate(stayed, standing));
        for (const event of events.slice(cut)) {
          observe(stayed, event);
          observe(back, event);
        }
        assert.deepEqual(serialise(back), serialise(stayed));
        const again = createModel();
        for (const event of events) observe(again, event);
        assert.deepEqual(again, stayed);
      }),
      { numRuns: 150 },
    );
  });

  it('stays a few kB with 10,000 waiting', () => {
    const model = learned(steady({ length: 10_000, gap: 3, calls: 2_000 }));
    assert.equal(model.waiting.regular, 10_000);
    const { length } = serialise(model);
    assert.ok(length < 13 * 1_024, `${length} bytes`);
    assert.ok(serialise(createModel()).length < 4 * 1_024);
  });

  it('is not restored from other bytes', () => {
    const bytes = serialise(learned(steady({ length: 5, gap: 30, calls: 20 })));
    assert.ok(restore(bytes));
    assert.equal(bytes.subarray(0, modelName.length).toString(), modelName);
    const other = Buffer.from(bytes);
    other.write('online-quantiles-1');
    const notNumbers = Buffer.from(bytes);
    notNumbers.fill(0xff, 200, 208);
    for (const wrong of [
      Buffer.alloc(0),
      Buffer.from('{}'),
      other,
      notNumbers,
      bytes.subarray(0, -1),
      bytes.subarray(0, 100),
      Buffer.concat([bytes, bytes]),
      Buffer.concat([bytes, Buffer.alloc(8)]),
    ]) {
      assert.equal(restore(wrong), null);
    }
  });
});
