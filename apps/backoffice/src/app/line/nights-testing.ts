import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type LineStore, openLineStore } from './line-store.ts';
import { type Doing, type Line, openLine, type Pressed } from './open-line.ts';
import type { Row } from './row.ts';
import { Device, FakeVenue, Network } from './testing.ts';

/*
 * Random nights: presses at two stands, guests who come and go, networks that are cut, lose answers and deliver twice,
 * and devices that crash at any moment. In the end, every press that the device had kept has happened exactly once, was
 * taken back, or is shown as refused; and both stands show the line of the server.
 */

const userIds = ['rui', 'eva'];

type Step =
  | { step: 'press'; at: number; kind: string; pick: number; size: number }
  | { step: 'undo'; at: number; pick: number }
  | { step: 'guest'; kind: string; pick: number }
  | { step: 'cut' | 'restore' | 'reload'; at: number }
  | { step: 'crash'; at: number; after: number }
  | { step: 'fate'; at: number; fates: ('deliver' | 'lose-answer' | 'double' | 'lose-request')[] }
  | { step: 'decide'; at: number; decision: 'drop' | 'repeat' }
  | { step: 'pass'; turns: number };

const at = fc.integer({ min: 0, max: 1 });
const pick = fc.nat(50);
const kinds = ['add', 'callNext', 'call', 'seat', 'depart', 'noShow', 'remove', 'restore', 'move'];
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      step: fc.constant('press' as const),
      at,
      kind: fc.constantFrom(...kinds, 'edit', 'count'),
      pick,
      size: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ step: fc.constant('undo' as const), at, pick }) },
  {
    weight: 5,
    arbitrary: fc.record({
      step: fc.constant('guest' as const),
      kind: fc.constantFrom('join', 'join', 'leave', 'confirm'),
      pick,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ step: fc.constantFrom('cut' as const, 'restore', 'restore'), at }),
  },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('reload' as const), at }) },
  {
    weight: 2,
    arbitrary: fc.record({ step: fc.constant('crash' as const), at, after: fc.nat(25) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      step: fc.constant('fate' as const),
      at,
      fates: fc.array(
        fc.constantFrom('deliver' as const, 'lose-answer', 'double', 'lose-request'),
        { minLength: 1, maxLength: 6 },
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      step: fc.constant('decide' as const),
      at,
      decision: fc.constantFrom('drop' as const, 'repeat'),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      step: fc.constant('pass' as const),
      turns: fc.integer({ min: 1, max: 20 }),
    }),
  },
);

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const never = new Promise<never>(() => {});
let databases = 0;

/** A device with one tab after another: what it has stored survives a crash, its memory does not. */
class StandDevice {
  readonly userId: string;
  readonly network: Network;
  readonly venue: FakeVenue;
  readonly device: Device;
  readonly name = `night-${++databases}`;
  line: Line | null = null;
  #store: LineStore | null = null;
  #isDead = { value: false };
  #callsLeft = Number.POSITIVE_INFINITY;
  fates: string[] = [];

  constructor(venue: FakeVenue, userId: string) {
    this.venue = venue;
    this.userId = userId;
    this.network = new Network(venue, userId);
    this.device = new Device(() => venue.now);
    this.network.onCall = async (operation) => {
      const isPress = operation !== 'listParties' && !operation.startsWith('get');
      const fate = isPress ? this.fates.shift() : undefined;
      if (fate === 'lose-request') throw new TypeError('Failed to fetch');
      return (fate ?? 'deliver') as 'deliver';
    };
  }

  async open(): Promise<void> {
    const isDead = { value: false };
    this.#isDead = isDead;
    this.#callsLeft = Number.POSITIVE_INFINITY;
    const store = await openLineStore({ name: this.name });
    this.#store = store;
    const alive = async () => {
      this.#callsLeft -= 1;
      if (this.#callsLeft < 0) isDead.value = true;
      if (isDead.value) await never;
    };
    /** Dies before or after any call, with its effect or without. */
    const mortal = <T extends object>(target: T): T =>
      new Proxy(target, {
        get: (of, name) => {
          const member = Reflect.get(of, name) as unknown;
          if (typeof member !== 'function' || name === 'close') return member;
          return async (...given: unknown[]) => {
            await alive();
            try {
              return await (member as (...given: unknown[]) => unknown)(...given);
            } finally {
              await alive();
            }
          };
        },
      });
    const { api, openStream } = this.network;
    const { venueId } = this.venue;
    const opening = openLine({
      userId: this.userId,
      venueId,
      api: mortal(api),
      openStream: mortal({ openStream }).openStream,
      store: mortal(store),
      host: this.device.host(),
    });
    this.line = await opening;
  }

  /** Dies at the given call to the network or the disk from now on. */
  crashAfter(calls: number): void {
    this.#callsLeft = calls;
  }

  get isDead(): boolean {
    return this.#isDead.value || this.#callsLeft <= 0;
  }

  async reopen(): Promise<void> {
    this.#isDead.value = true;
    this.line?.close();
    this.#store?.close();
    // The lock of a tab ends with it.
    this.device.releaseLocks();
    await this.open();
  }

  /** The presses that were acknowledged. */
  async outcomes(): Promise<Set<string>> {
    const database = await new Promise<IDBDatabase>((resolve) => {
      const request = indexedDB.open(this.name);
      request.onsuccess = () => resolve(request.result);
    });
    const keys = await new Promise<IDBValidKey[]>((resolve) => {
      const request = database.transaction('outcomes').objectStore('outcomes').getAllKeys();
      request.onsuccess = () => resolve(request.result);
    });
    database.close();
    return new Set(keys as string[]);
  }

  close(): void {
    this.#isDead.value = true;
    this.line?.close();
    this.#store?.close();
  }
}

/** A press that a stand took, with what became of it. */
type Taken = { pressed: Pressed; isKept: boolean; isUndone: boolean };

const parts = ['waiting', 'called', 'seated', 'ended'] as const;
const rowsOf = (line: Line): Row[] =>
  line.getSnapshot().queues.flatMap((queue) => parts.flatMap((of) => [...queue[of]]));

function doingOf(
  { kind, pick: index, size }: Extract<Step, { step: 'press' }>,
  line: Line,
): Doing | null {
  if (kind === 'add') return { kind, queueId: 'tables', name: `Host's ${index}`, size };
  if (kind === 'count') return { kind, delta: index % 2 === 0 ? size : -size };
  if (kind === 'callNext')
    return { kind, queueId: 'tables', ...(index % 3 === 0 ? { maxSize: size } : {}) };
  const rows = rowsOf(line);
  const row = rows[index % Math.max(1, rows.length)];
  if (row === undefined) return null;
  const party = row.key;
  if (kind === 'move') return { kind, party, position: size, reason: 'stroller' };
  if (kind === 'edit') return { kind, party, changes: { notes: `note ${index}`, size } };
  return { kind, party } as Doing;
}

async function night(steps: readonly Step[]): Promise<void> {
  const stands: StandDevice[] = [];
  try {
    await live(steps, stands);
  } finally {
    for (const one of stands) one.close();
  }
}

async function live(steps: readonly Step[], stands: StandDevice[]): Promise<void> {
  const venue = new FakeVenue(['tables', 'bar']);
  venue.capacity = 30;
  for (let guest = 0; guest < 6; guest += 1) {
    venue.add({
      name: `Guest ${guest}`,
      size: 1 + (guest % 4),
      queueId: guest % 3 ? 'tables' : 'bar',
    });
  }
  stands.push(...userIds.map((userId) => new StandDevice(venue, userId)));
  for (const one of stands) await one.open();
  const taken: Taken[][] = [[], []];
  const dropped = new Set<string>();

  for (const next of steps) {
    if (next.step === 'pass') {
      for (let turns = 0; turns < next.turns; turns += 1) await turn();
      continue;
    }
    venue.now += 1_000;
    if (next.step === 'guest') {
      const ids = [...venue.parties.keys()];
      if (next.kind === 'join')
        venue.add({ name: `Guest ${next.pick}`, size: 1 + (next.pick % 5) });
      else if (ids.length > 0) venue.act(next.kind, ids[next.pick % ids.length] as string);
      continue;
    }
    const one = stands[next.at] as StandDevice;
    const own = taken[next.at] as Taken[];
    const { line } = one;
    if (next.step === 'cut') one.network.cut();
    else if (next.step === 'restore') one.network.restore();
    else if (next.step === 'fate') one.fates.push(...next.fates);
    else if (next.step === 'crash') one.crashAfter(next.after);
    else if (next.step === 'reload') await one.reopen();
    else if (one.isDead) await one.reopen();
    else if (line !== null && next.step === 'press') {
      const doing = doingOf(next, line);
      const pressed = doing === null ? 'not-found' : line.press(doing);
      if (typeof pressed !== 'string') {
        const entry = { pressed, isKept: false, isUndone: false };
        own.push(entry);
        pressed.saved.then(
          () => {
            entry.isKept = true;
          },
          () => {},
        );
      }
    } else if (line !== null && next.step === 'undo') {
      const entry = own.at(-1);
      const isKnown = entry !== undefined && !entry.isUndone && entry.isKept;
      const pressed = isKnown ? line.undo(entry.pressed) : 'not-found';
      if (typeof pressed !== 'string' && entry !== undefined) entry.isUndone = true;
    } else if (line !== null && next.step === 'decide') {
      const [conflict] = line.getSnapshot().conflicts;
      if (conflict !== undefined) {
        const all = [conflict.press, ...conflict.behind];
        if (next.decision === 'drop') for (const { id } of all) dropped.add(id);
        void line.resolve(conflict.press.id, next.decision);
      }
    }
  }

  // The night is over: everything works again.
  for (const one of stands) {
    one.fates = [];
    one.network.restore();
    await one.reopen();
  }
  const lines = stands.map(({ line }) => line as Line);
  for (let turns = 0; ; turns += 1) {
    await turn();
    const isOver = lines.every((line) => {
      const { connection, queued, occupancy } = line.getSnapshot();
      // The occupancy is read once more after presses that count people.
      const isRead = occupancy?.occupancy === venue.occupancy;
      return (
        connection === 'live' && queued === 0 && isRead && rowsOf(line).every((row) => row.isRead)
      );
    });
    if (isOver) break;
    assert.ok(turns < 20_000, 'the presses are all sent, and the screens agree');
  }
  for (let turns = 0; turns < 20; turns += 1) await turn();

  // Each press that was kept has happened once, or is shown.
  for (const [index, line] of lines.entries()) {
    const { conflicts } = line.getSnapshot();
    const shown = new Set(
      conflicts.flatMap(({ press, behind }) => [press, ...behind]).map(({ id }) => id),
    );
    const outcomes = await (stands[index] as StandDevice).outcomes();
    for (const { pressed, isKept, isUndone } of taken[index] as Taken[]) {
      const fate = [shown.has(pressed.id), outcomes.has(pressed.id), dropped.has(pressed.id)];
      const states = fate.filter(Boolean).length;
      assert.ok(
        states <= 1 || dropped.has(pressed.id),
        `${pressed.action.kind} has one fate: ${fate}`,
      );
      if (isKept && !isUndone) assert.ok(states >= 1, `${pressed.action.kind} is not lost`);
    }
  }
  const keys = venue.done.map(({ key }) => key);
  assert.equal(new Set(keys).size, keys.length, 'nothing happened twice');
  for (const userId of userIds) {
    const own = venue.events.filter(
      ({ type, actor }) => type === 'party.joined' && actor.userId === userId,
    );
    const times = own.map(({ party }) => party?.joinedAt);
    assert.deepEqual(times, times.toSorted(), 'added in order');
  }
  const added = [...venue.parties.values()].filter(({ source }) => source === 'staff');
  assert.equal(new Set(added.map(({ joinedAt }) => joinedAt)).size, added.length, 'added once');

  // Both show what the server has.
  for (const line of lines) {
    for (const { queue, waiting } of line.getSnapshot().queues) {
      assert.deepEqual(
        waiting.map(({ id, state, name, size }) => ({ id, state, name, size })),
        venue.order(queue.id).map((id) => {
          const { state, name, size } = venue.parties.get(id) as NonNullable<
            ReturnType<typeof venue.parties.get>
          >;
          return { id, state, name, size };
        }),
      );
    }
    for (const row of rowsOf(line)) {
      const party = venue.parties.get(row.id ?? '');
      assert.deepEqual([row.state, row.seq], [party?.state, party?.seq]);
    }
    assert.equal(line.getSnapshot().occupancy?.occupancy, venue.occupancy);
  }
}

/** Lives random nights; `LINE_NIGHTS` overrides their number, `LINE_SEED` repeats a run. */
export async function surviveNights(byDefault: number): Promise<void> {
  const { LINE_NIGHTS, LINE_SEED } = process.env;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 80, size: 'max' }), night),
    {
      numRuns: Number(LINE_NIGHTS ?? byDefault),
      endOnFailure: false,
      ...(LINE_SEED === undefined ? {} : { seed: Number(LINE_SEED) }),
    },
  );
}
