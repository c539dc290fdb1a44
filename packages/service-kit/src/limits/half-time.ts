import { setTimeout as delay } from 'node:timers/promises';

/** After a slice that took very long, something else was slow. */
const pauseMsMax = 2_000;

/**
 * Runs one slice of long work, and then waits as long as it took: the other half of the time belongs to everybody else
 * who needs the event loop and the store.
 */
export async function atHalfTime<T>(slice: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const result = await slice();
  await delay(Math.min(performance.now() - startedAt, pauseMsMax));
  return result;
}
