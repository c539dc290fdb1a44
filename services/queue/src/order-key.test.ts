import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { keyBetween, OrderKeyTooLong } from './order-key.ts';

function assertInOrder(keys: readonly Buffer[]): void {
  keys.forEach((key, index) => {
    const next = keys[index + 1];
    if (next !== undefined)
      assert.ok(Buffer.compare(key, next) < 0, `${index} is not before its successor`);
  });
}

describe('keyBetween', () => {
  it('keeps every order of insertions, with ids written behind the keys', () => {
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

  it('stays short where people join, at the front, and always next to the same neighbour', () => {
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

  it('says so when one gap was halved too often, and when the neighbours are not in order', () => {
    let low = keyBetween(null, null);
    let high = keyBetween(low, null);
    assert.throws(() => {
      for (let count = 0; count < 5_000; count += 1) {
        const middle = keyBetween(low, high);
        if (count % 2 === 0) low = middle;
        else high = middle;
      }
    }, OrderKeyTooLong);
    const key = keyBetween(null, null);
    assert.throws(() => keyBetween(key, key), RangeError);
  });

  it('crosses every width of its integers', () => {
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
