import { runInContext } from '../trace-context.ts';

/**
 * Collects calls into batches. Calls made in the same tick, or while a batch is running, go into the next batch of
 * up to `max` items. One batch runs at a time, so batches grow with the load. A batch runs outside the context of
 * any request. `work` returns one result for each item, in order; when it throws, every call of the batch throws.
 */
export function batched<T, R>(
  work: (items: readonly T[]) => Promise<readonly R[]>,
  options: { max: number },
): (item: T) => Promise<R> {
  type Call = { item: T; resolve(result: R): void; reject(error: unknown): void };
  let queued: Call[] = [];
  let isWorking = false;

  async function run(): Promise<void> {
    isWorking = true;
    await new Promise(setImmediate);
    while (queued.length > 0) {
      const batch = queued.slice(0, options.max);
      queued = queued.slice(options.max);
      try {
        const results = await work(batch.map(({ item }) => item));
        batch.forEach(({ resolve }, index) => {
          resolve(results[index] as R);
        });
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    isWorking = false;
  }

  return (item) =>
    new Promise<R>((resolve, reject) => {
      queued.push({ item, resolve, reject });
      if (!isWorking) void runInContext({}, run);
    });
}
