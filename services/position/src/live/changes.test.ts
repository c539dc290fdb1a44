import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  advance,
  applyOwn,
  type Changes,
  readMessage,
  type Standing,
  shiftsOf,
} from './changes.ts';

/** A line whose places are letters, and its changes. */
function play(moves: readonly { who: number; to: number | null }[]) {
  const places = new Map<string, string>();
  const waiting = () => [...places].sort(([, a], [, b]) => (a < b ? -1 : 1)).map(([id]) => id);
  const happened: Changes[] = [];
  const orders: string[][] = [[]];
  for (const [index, { who, to }] of moves.entries()) {
    const id = `party ${who}`;
    const from = places.get(id);
    // A place belongs to one party.
    const place = to === null ? undefined : `${String.fromCharCode(to)}${id}`;
    if (place === undefined) places.delete(id);
    else places.set(id, place);
    const order = waiting();
    happened.push({
      after: index,
      seq: index + 1,
      waiting: order.length,
      changes: [
        {
          seq: index + 1,
          id,
          state: place === undefined ? 'left' : 'waiting',
          ...(from === undefined ? {} : { from }),
          ...(place === undefined ? {} : { to: place }),
          ...(place === undefined || place === from ? {} : { ahead: order.indexOf(id) }),
        },
      ],
    });
    orders.push(order);
  }
  return { happened, orders, places };
}

const moves = fc.array(
  fc.record({
    who: fc.integer({ min: 0, max: 7 }),
    to: fc.option(fc.integer({ min: 1, max: 255 }), { freq: 3 }),
  }),
  { maxLength: 40 },
);

const fresh = (id: string): Standing => ({
  id,
  state: 'left',
  place: '',
  size: null,
  ahead: -1,
  waiting: 0,
  seq: 0,
});

describe('applying changes to standings', () => {
  it('advances a watched party to its place in the line', () => {
    fc.assert(
      fc.property(moves, (given) => {
        const { happened, orders } = play(given);
        for (let who = 0; who <= 7; who++) {
          const standing = fresh(`party ${who}`);
          for (const [index, changes] of happened.entries()) {
            assert.ok(advance(standing, [changes]));
            assert.equal(standing.ahead, orders[index + 1]?.indexOf(standing.id));
            assert.equal(standing.waiting, orders[index + 1]?.length);
          }
        }
      }),
    );
  });

  it('shifts parties that did not move as far as applying each change would', () => {
    fc.assert(
      fc.property(moves, moves, (before, after) => {
        const { happened, orders } = play([...before, ...after]);
        const movedLater = new Set(after.map(({ who }) => `party ${who}`));
        const shiftOf = shiftsOf(happened.slice(before.length));
        const { places } = play(before);
        for (const [id, place] of places) {
          if (movedLater.has(id)) continue;
          const ahead = orders[before.length]?.indexOf(id) as number;
          assert.equal(ahead + shiftOf(place), orders.at(-1)?.indexOf(id));
        }
      }),
    );
  });

  it("applies a party's own change despite earlier missed changes", () => {
    const { happened, orders } = play([
      { who: 1, to: 50 },
      { who: 2, to: 40 },
      { who: 3, to: 60 },
      { who: 1, to: 70 },
      { who: 3, to: null },
    ]);
    const changes = happened.slice(3).flatMap((one) => one.changes);
    const standing = fresh('party 1');
    const both = { after: 3, seq: 5, waiting: 2, changes };
    assert.equal(advance(standing, [both]), false);
    assert.ok(applyOwn(standing, both, 0));
    assert.equal(standing.ahead, orders[5]?.indexOf('party 1'));
    assert.deepEqual([standing.seq, standing.waiting], [5, 2]);
  });

  it('cannot apply an own change that keeps the place', () => {
    const { happened } = play([
      { who: 1, to: 50 },
      { who: 1, to: 50 },
    ]);
    const standing = fresh('party 1');
    assert.equal(applyOwn(standing, happened[1] as Changes, 0), false);
    assert.equal(standing.seq, 0);
  });

  it('reads messages as Latin-1', () => {
    const bytes = Buffer.concat([
      Buffer.from('{"after":1,"seq":2,"waiting":1,"changes":[{"seq":2,"state":"left","from":"0'),
      Buffer.of(0xff, 0x80, 0x7e),
      Buffer.from('\\u0002"}]}'),
    ]);
    const message = readMessage(bytes) as Changes;
    assert.equal(message.changes[0]?.from, '0\u00ff\u0080~\u0002');
  });
});
