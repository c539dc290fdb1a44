/*
 * Order keys sort the parties of a lane. A key is a path of integers, compared element by element, with a shorter path
 * before its extensions, and encoded so that comparing the bytes gives that order. Between any two keys there is another
 * one, so nothing is ever renumbered (a fractional index; the paths of integers are Logoot's: Weiss, Urso, Molli, ICDCS
 * 2009).
 *
 * An integer is one head byte and up to six bytes more, big-endian:
 *   0x03..0x08        negative, 6..1 bytes follow (offset so that they count upwards)
 *   0x09..0xf6        -119..118 in the head itself
 *   0xf7..0xfc        positive, 1..6 bytes follow
 * and 0x00 ends the path. Heads are never 0x00, so no key is a prefix of another, and a party's id can be appended to its
 * key without changing the order.
 */

const terminator = 0x00;
const smallMin = -119;
const smallMax = 118;
const smallBase = 0x80;
const positiveHead = 0xf6;
const negativeHead = 0x09;
const widthMax = 6;

/**
 * Below the first level, integers start at `start` with gaps of `stride`, so that the whole first stride takes one byte.
 */
const start = -118;
const stride = 236;

/** Longest key that the tables hold, in bytes. */
export const orderKeyBytesMax = 512;

export class OrderKeyTooLong extends Error {
  override readonly name = 'OrderKeyTooLong';
}

/**
 * A key between two others; `null` stands for that end of the line. Repeated insertion at one end, or always next to the
 * same neighbour, costs O(log n) bytes; halving the same gap alternately from below and from above, one byte per 236
 * times. Halving a gap without such a pattern costs a byte every few times, which is inevitable for keys that are never
 * renumbered. Throws `OrderKeyTooLong` past `orderKeyBytesMax`, and a RangeError when `before` does not sort before
 * `behind`.
 */
export function keyBetween(before: Uint8Array | null, behind: Uint8Array | null): Buffer {
  if (before !== null && behind !== null && Buffer.compare(before, behind) >= 0) {
    throw new RangeError('The keys are not in order');
  }
  const low = before === null ? null : decode(before);
  const high = behind === null ? null : decode(behind);
  const key = encode(pathBetween(low, high));
  if (key.length > orderKeyBytesMax)
    throw new OrderKeyTooLong('No shorter key fits between these two');
  return key;
}

function pathBetween(low: number[] | null, high: number[] | null): number[] {
  if (low === null && high === null) return [0];
  if (high === null) return [((low as number[])[0] as number) + 1];
  if (low === null) return [(high[0] as number) - 1];

  let shared = 0;
  while (shared < low.length && low[shared] === high[shared]) shared += 1;
  const prefix = high.slice(0, shared);
  const upper = high[shared] as number;
  if (shared === low.length) return [...prefix, upper - stride];

  const lower = low[shared] as number;
  if (upper - lower > 1) {
    return [...prefix, integerBetween(lower, upper, high[shared - 1])];
  }
  // Adjacent integers: go one level down, behind the remaining lower path.
  const next = low[shared + 1];
  if (next !== undefined) return [...prefix, lower, next + stride];
  return [...prefix, lower, isHighFirst(lower) ? start + stride : start];
}

/**
 * An integer next to the bound that has used less of its stride. So halving a gap alternately from below and from above
 * takes one integer at a time from either side, and continues one level down when all are used. In a tie, the end of the
 * stride that was used first comes next.
 */
function integerBetween(lower: number, upper: number, parent: number | undefined): number {
  const base = Math.floor((lower - start) / stride) * stride + start;
  const next = base + stride;
  if (next < upper) return next;
  const fromBelow = lower - base;
  const fromAbove = next - upper;
  const isFirstStride = base === start;
  const isLowFirst = isFirstStride ? parent === undefined || !isHighFirst(parent) : base > start;
  const isLower = fromBelow === fromAbove ? isLowFirst : fromBelow < fromAbove;
  return isLower ? lower + 1 : upper - 1;
}

/**
 * Whether the next insertion one level below this integer is probably at the upper end of the gap: that is so when the
 * gap was halved alternately, last from below.
 */
function isHighFirst(lower: number): boolean {
  const fromBelow = (((lower - start) % stride) + stride) % stride;
  return fromBelow > stride - 1 - fromBelow;
}

function encode(path: readonly number[]): Buffer {
  const bytes: number[] = [];
  for (const value of path) {
    if (value >= smallMin && value <= smallMax) {
      bytes.push(smallBase + value);
    } else if (value > 0) {
      const offset = value - smallMax - 1;
      const width = widthOf(offset);
      bytes.push(positiveHead + width, ...bigEndian(offset, width));
    } else {
      const offset = smallMin - 1 - value;
      const width = widthOf(offset);
      bytes.push(negativeHead - width, ...bigEndian(256 ** width - 1 - offset, width));
    }
  }
  bytes.push(terminator);
  return Buffer.from(bytes);
}

function decode(key: Uint8Array): number[] {
  const bytes = Buffer.from(key);
  const path: number[] = [];
  let at = 0;
  for (;;) {
    const head = bytes[at];
    if (head === undefined) throw new RangeError('The order key does not end');
    at += 1;
    if (head === terminator) break;
    if (head > positiveHead) {
      const width = head - positiveHead;
      path.push(bytes.readUIntBE(at, width) + smallMax + 1);
      at += width;
    } else if (head < negativeHead) {
      const width = negativeHead - head;
      path.push(smallMin - 1 - (256 ** width - 1 - bytes.readUIntBE(at, width)));
      at += width;
    } else {
      path.push(head - smallBase);
    }
  }
  if (path.length === 0 || at !== bytes.length) throw new RangeError('Not an order key');
  return path;
}

function widthOf(offset: number): number {
  for (let width = 1; width <= widthMax; width += 1) {
    if (offset < 256 ** width) return width;
  }
  throw new OrderKeyTooLong('The line has used up its numbers');
}

function bigEndian(value: number, width: number): number[] {
  return Array.from(
    { length: width },
    (_, index) => Math.floor(value / 256 ** (width - 1 - index)) % 256,
  );
}
