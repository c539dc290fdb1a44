import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NamedHistoryEvent } from '@queue-manager/contracts/history';
import type { Lane, PartyState } from '@queue-manager/contracts/parties';
import fc from 'fast-check';
import { lineAt, movesOf } from './replay.ts';

const start = Date.parse('2026-11-20T20:00:00Z');
const uuid = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const iso = (ms: number) => new Date(ms).toISOString();

/** A line as a person would keep it: lists of names. It knows no order keys. */
class PaperLine {
  readonly lanes: Record<Lane, number[]> = { priority: [], regular: [] };
  called: number[] = [];
  seated: number[] = [];

  get waiting(): number[] {
    return [...this.lanes.priority, ...this.lanes.regular];
  }

  laneOf(party: number): Lane {
    return this.lanes.priority.includes(party) ? 'priority' : 'regular';
  }

  take(party: number): void {
    for (const lane of [this.lanes.priority, this.lanes.regular, this.called, this.seated]) {
      const index = lane.indexOf(party);
      if (index !== -1) lane.splice(index, 1);
    }
  }
}

/** Writes the events of a night, as the queue service does. */
class Night {
  readonly paper = new PaperLine();
  readonly events: NamedHistoryEvent[] = [];
  /** The line after each event, and what the moves were. */
  readonly lines: { waiting: string[]; called: string[]; seated: string[] }[] = [];
  readonly moves = new Map<number, { from: number; to: number }>();
  readonly #keys = new Map<number, number>();
  readonly #states = new Map<number, PartyState>();
  readonly #times = new Map<number, { calledAt: string | null; seatedAt: string | null }>();
  readonly #lanes = new Map<number, Lane>();
  #parties = 0;
  #end = 0;

  join(lane: Lane): void {
    this.#parties += 1;
    const party = this.#parties;
    this.#lanes.set(party, lane);
    this.#end += 1_000_000;
    this.#keys.set(party, this.#end);
    this.paper.lanes[lane].push(party);
    this.#write('party.joined', party, 'waiting');
  }

  call(index: number): void {
    const party = this.paper.waiting[index];
    if (party === undefined) return;
    this.paper.take(party);
    this.paper.called.push(party);
    this.#write('party.called', party, 'called');
  }

  seat(index: number): void {
    const party = this.paper.called[index];
    if (party === undefined) return;
    this.paper.take(party);
    this.paper.seated.push(party);
    this.#write('party.seated', party, 'seated');
  }

  leave(index: number): void {
    const party = this.paper.waiting[index];
    if (party === undefined) return;
    this.paper.take(party);
    this.#write('party.left', party, 'left');
  }

  /** To a place in its own lane. */
  move(index: number, target: number): void {
    const party = this.paper.waiting[index];
    if (party === undefined) return;
    const from = this.paper.waiting.indexOf(party) + 1;
    const lane = this.paper.lanes[this.paper.laneOf(party)];
    this.paper.take(party);
    const to = Math.min(target, lane.length);
    const [behind, ahead] = [lane[to - 1], lane[to]];
    if (ahead === undefined) this.#end += 1_000_000;
    const low = this.#keys.get(behind ?? 0) ?? 0;
    const high = this.#keys.get(ahead ?? 0) ?? 2 * this.#end - low;
    this.#keys.set(party, (low + high) / 2);
    lane.splice(to, 0, party);
    const position = this.paper.waiting.indexOf(party) + 1;
    this.#write('party.moved', party, 'waiting', position);
    this.moves.set(this.events.length, { from, to: position });
  }

  #write(type: string, party: number, state: PartyState, position: number | null = null): void {
    const seq = this.events.length + 1;
    const time = iso(start + seq * 1_000);
    const times = this.#times.get(party) ?? { calledAt: null, seatedAt: null };
    if (state === 'called') times.calledAt = time;
    if (state === 'seated') times.seatedAt = time;
    this.#times.set(party, times);
    this.events.push({
      id: uuid(seq),
      seq,
      type,
      time,
      actor: { kind: 'staff' },
      actorName: 'Rui',
      reason: null,
      partyId: uuid(party),
      previousState: this.#states.get(party) ?? null,
      position,
      override: false,
      party: {
        seq,
        state,
        lane: this.#lanes.get(party) ?? 'regular',
        orderKey: (this.#keys.get(party) ?? 0).toFixed(6).padStart(20, '0'),
        number: party,
        size: 2,
        source: 'staff',
        calls: 0,
        joinedAt: time,
        confirmedAt: null,
        departedAt: null,
        endedAt: null,
        ...times,
      },
      queue: null,
    });
    this.#states.set(party, state);
    this.lines.push({
      waiting: this.paper.waiting.map(uuid),
      called: this.paper.called.map(uuid),
      seated: this.paper.seated.map(uuid),
    });
  }
}

const move = fc.oneof(
  fc.constantFrom<Lane>('regular', 'regular', 'priority').map((lane) => (night: Night) => {
    night.join(lane);
  }),
  fc.nat(5).map((index) => (night: Night) => night.call(index)),
  fc.nat(3).map((index) => (night: Night) => night.seat(index)),
  fc.nat(8).map((index) => (night: Night) => night.leave(index)),
  fc.tuple(fc.nat(8), fc.nat(8)).map(
    ([index, to]) =>
      (night: Night) =>
        night.move(index, to),
  ),
);

const ids = (parties: readonly { id: string }[]) => parties.map(({ id }) => id);

function nightOf(moves: readonly ((night: Night) => void)[]): Night {
  const night = new Night();
  for (const make of moves) make(night);
  return night;
}

describe('the replay of a night', () => {
  it('shows the line after each event as it was kept on paper', () => {
    fc.assert(
      fc.property(fc.array(move, { minLength: 1, maxLength: 60 }), (moves) => {
        const { events, lines } = nightOf(moves);
        for (const [index, line] of lines.entries()) {
          const { waiting, called, seated } = lineAt(events, start + (index + 1) * 1_000);
          assert.deepEqual(
            { waiting: ids(waiting), called: ids(called), seated: ids(seated) },
            line,
          );
        }
      }),
    );
  });

  it('says from where to where a party was moved', () => {
    fc.assert(
      fc.property(fc.array(move, { minLength: 1, maxLength: 60 }), (moves) => {
        const night = nightOf(moves);
        assert.deepEqual(movesOf(night.events), night.moves);
      }),
    );
  });

  it('knows who was there before the first event, from the events that follow', () => {
    const night = nightOf([
      (it) => it.join('regular'),
      (it) => it.join('regular'),
      (it) => it.call(0),
      (it) => it.move(0, 0),
    ]);
    const later = night.events.slice(2);
    assert.deepEqual(ids(lineAt(later, start).waiting), [uuid(1), uuid(2)]);
    assert.deepEqual(movesOf(later).get(4), { from: null, to: 1 });
  });

  it('adds those about whom there is no event', () => {
    const night = nightOf([(it) => it.join('regular'), (it) => it.join('regular')]);
    const [first, second] = lineAt(night.events, start + 9_000).waiting;
    assert.ok(first && second);
    const later = night.events.slice(1);
    assert.deepEqual(ids(lineAt(later, start + 9_000, [first]).waiting), [uuid(1), uuid(2)]);
  });
});
