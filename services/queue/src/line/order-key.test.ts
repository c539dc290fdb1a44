import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { keyBetween, OrderKeyTooLong, orderKeyBytesMax } from './order-key.ts';

function assertInOrder(keys: readonly Buffer[]): void {
  keys.forEach((key, index) => {
    const next = keys[index + 1];
    if (next !== undefined)
      assert.ok(Buffer.compare(key, next) < 0, `${index} is not before its successor`);
  });
}

describe('keyBetween', () => {
  it('keeps the order of any insertions, with ids appended to the keys', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(), { minLength: 1, maxLength: 300 }),
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        (places, id) => {
          const line: Buffer[] = [];
          for (const place of places) {
            const at = place % (line.length + 1);
            line.splice(at, 0, keyBetween(line[at - 1] ?? null, line[at] ?? null));
          }
          assertInOrder(line);
          assertInOrder(
            line.map((key, index) => Buffer.concat([key, index % 2 ? id : Buffer.alloc(16, 0xff)])),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it('stays short at the end, at the front, and always next to the same neighbour', () => {
    const places: Record<string, (line: Buffer[]) => number> = {
      end: (line) => line.length,
      front: () => 0,
      'behind the first': () => 1,
      'before the last': (line) => line.length - 1,
    };
    for (const [name, placeOf] of Object.entries(places)) {
      const line = [keyBetween(null, null)];
      line.push(keyBetween(line[0] as Buffer, null));
      for (let count = 0; count < 100_000; count += 1) {
        const at = placeOf(line);
        // Splicing 100,000 times is slow; only the neighbours matter here.
        if (at === line.length) line.push(keyBetween(line.at(-1) as Buffer, null));
        else if (at === 0) line[0] = keyBetween(null, line[0] as Buffer);
        else if (at === 1) line[1] = keyBetween(line[0] as Buffer, line[1] as Buffer);
        else line.splice(at, 0, keyBetween(line[at - 1] ?? null, line[at] ?? null));
      }
      assertInOrder(line);
      assert.ok(Math.max(...line.map((key) => key.length)) <= 8, name);
    }
  });

  /** Halves one gap again and again; `isLow` says which side the last key becomes. */
  function halve(count: number, isLow: (turn: number) => boolean): number {
    let low = keyBetween(null, null);
    let high = keyBetween(low, null);
    let bytesMax = 0;
    for (let turn = 0; turn < count; turn += 1) {
      const middle = keyBetween(low, high);
      assert.ok(Buffer.compare(low, middle) < 0 && Buffer.compare(middle, high) < 0);
      bytesMax = Math.max(bytesMax, middle.length);
      if (isLow(turn)) low = middle;
      else high = middle;
    }
    return bytesMax;
  }

  it('allows 100,000 alternating halvings of one gap, whichever side is first', () => {
    for (const first of [0, 1]) {
      assert.ok(halve(100_000, (turn) => turn % 2 === first) <= 450);
    }
  });

  it('allows 1,200 halvings of one gap without a pattern', () => {
    // A fixed sequence of numbers that look like chance.
    let state = 20_251_120;
    const chance = () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return state >>> 31 === 1;
    };
    assert.ok(halve(1_200, chance) <= orderKeyBytesMax);
  });

  it('throws when a gap was halved too often, and when the neighbours are not in order', () => {
    // More than there are keys of that length, however they are chosen.
    assert.throws(() => halve(8 * orderKeyBytesMax, (turn) => turn % 6 < 3), OrderKeyTooLong);
    const key = keyBetween(null, null);
    assert.throws(() => keyBetween(key, key), RangeError);
  });

  it('continues between keys of older versions', () => {
    // Written when a level began at 0 and went on by one: [0], [0, 0], [0, 1], [0, 1, 0], [1].
    const line: Buffer[] = ['8000', '808000', '808100', '80818000', '8100'].map((hex) =>
      Buffer.from(hex, 'hex'),
    );
    for (let count = 0; count < 200; count += 1) {
      for (let at = line.length; at >= 0; at -= 7) {
        line.splice(at, 0, keyBetween(line[at - 1] ?? null, line[at] ?? null));
      }
      if (line.length > 2_000) break;
    }
    assertInOrder(line);
  });

  it('covers every width of its integers', () => {
    let up = keyBetween(null, null);
    let down = up;
    for (let count = 0; count < 70_000; count += 1) {
      const above = keyBetween(up, null);
      assert.ok(Buffer.compare(up, above) < 0);
      up = above;
      const below = keyBetween(null, down);
      assert.ok(Buffer.compare(below, down) < 0);
      down = below;
    }
    assert.ok(up.length <= 5 && down.length <= 5);
  });
});
