import { createHash } from 'node:crypto';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';

/**
 * A random number generator that repeats its numbers for the same seed.
 *
 * @returns a function that returns numbers from 0 inclusive to 1 exclusive.
 */
export function randomOf(seed: string): () => number {
  const digest = createHash('sha256').update(seed).digest();
  const generator = xoroshiro128plusFromState([0, 4, 8, 12].map((at) => digest.readInt32LE(at)));
  return () => uniformFloat64(generator);
}

/** Returns a function that draws from the items: each once before any is drawn again. */
export function drawOf<T>(items: readonly T[], random: () => number): () => T {
  let left: T[] = [];
  return () => {
    if (left.length === 0) left = [...items];
    return left.splice(Math.floor(random() * left.length), 1)[0] as T;
  };
}
