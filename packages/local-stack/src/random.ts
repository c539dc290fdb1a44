import { createHash } from 'node:crypto';

/**
 * Random numbers that are the same each time for the same name.
 *
 * @returns a function that gives numbers from 0 inclusive to 1 exclusive.
 */
export function randomOf(name: string): () => number {
  const digest = createHash('sha256').update(name).digest();
  const word = (at: number) => digest.readUInt32LE(4 * at);
  return xoshiro128([word(0), word(1), word(2), word(3)]);
}

/**
 * xoshiro128** 1.1 by David Blackman and Sebastiano Vigna ("Scrambled linear pseudorandom number
 * generators", ACM Transactions on Mathematical Software 47, 2021).
 *
 * @returns a function that gives numbers from 0 inclusive to 1 exclusive, in steps of 2⁻³².
 */
export function xoshiro128([first, second, third, fourth]: readonly [
  number,
  number,
  number,
  number,
]): () => number {
  let a = first;
  let b = second;
  let c = third;
  let d = fourth;
  const rotateLeft = (bits: number, by: number) => (bits << by) | (bits >>> (32 - by));
  return () => {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotateLeft(d, 11);
    return result / 2 ** 32;
  };
}
