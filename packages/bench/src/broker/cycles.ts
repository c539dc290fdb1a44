import { cpuSeconds } from '../measure/worker.ts';

/** What takes part in a cycle, in terms of one library. */
export type QueueCalls = {
  publish(body: string): Promise<unknown>;
  /** The id of a message; undefined if there is none. */
  consume(consumer: string): Promise<string | undefined>;
  delete(consumer: string, id: string): Promise<unknown>;
};

export type CycleLoad = { seconds: number; atOnce: number; body: string };
export type Cycles = { perSecond: number; cpuMs: number };

/** Runs cycles on several connections' worth of concurrency for some seconds. `cpuMs` is this process's, per cycle. */
export function cyclesOf(calls: QueueCalls) {
  return async ({ seconds, atOnce, body }: CycleLoad): Promise<Cycles> => {
    const startedAt = performance.now();
    const cpuBefore = cpuSeconds();
    const end = startedAt + seconds * 1_000;
    let cycles = 0;
    await Promise.all(
      Array.from({ length: atOnce }, async (_, index) => {
        const consumer = `consumer ${index}`;
        while (performance.now() < end) {
          await calls.publish(body);
          const id = await calls.consume(consumer);
          if (id === undefined) continue;
          await calls.delete(consumer, id);
          cycles += 1;
        }
      }),
    );
    const tookSeconds = (performance.now() - startedAt) / 1_000;
    return {
      perSecond: cycles / tookSeconds,
      cpuMs: ((cpuSeconds() - cpuBefore) * 1_000) / cycles,
    };
  };
}
