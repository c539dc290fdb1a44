/** Cycles with BullMQ used with its own workers, as its README says: `queue.add` and a `Worker` that does nothing. */
import { randomUUID } from 'node:crypto';
import { Queue, Worker } from 'bullmq';
import { answerQuestions, cpuSeconds, workerOptions } from '../measure/worker.ts';
import type { CycleLoad, Cycles } from './cycles.ts';

const { url } = workerOptions<{ url: string }>();
const { hostname: host, port } = new URL(url);
const connection = { host, port: Number(port), maxRetriesPerRequest: null };
const name = `bench-${randomUUID()}`;
const prefix = '{venue}';
const queue = new Queue(name, {
  connection,
  prefix,
  defaultJobOptions: { removeOnComplete: true },
});

async function cycles({ seconds, atOnce, body }: CycleLoad): Promise<Cycles> {
  let done = 0;
  const worker = new Worker(
    name,
    async () => {
      done += 1;
    },
    { connection, prefix, concurrency: atOnce },
  );
  await worker.waitUntilReady();
  const startedAt = performance.now();
  const cpuBefore = cpuSeconds();
  const end = startedAt + seconds * 1_000;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (performance.now() < end) await queue.add('message', { body });
    }),
  );
  const tookSeconds = (performance.now() - startedAt) / 1_000;
  const result = {
    perSecond: done / tookSeconds,
    cpuMs: ((cpuSeconds() - cpuBefore) * 1e3) / done,
  };
  await worker.close();
  return result;
}

answerQuestions({ cycles }, () => queue.close());
