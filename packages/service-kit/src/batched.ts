import { runInContext } from './request-context.ts';

/**
 * Makes many calls of one. What is asked for while a batch is at work (or in the same turn of the event loop)
 * goes into the next, up to `max` items; one batch is at work at a time, so that batches grow with the load.
 * A batch is done for no request in particular, whoever asked first.
 * `work` gives a result for each item, in order. When it throws, each of its items' calls throws the same.
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
