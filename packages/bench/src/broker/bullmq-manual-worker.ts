/** Cycles with BullMQ's manual processing: `getNextJob` with the consumer as token, `moveToCompleted`. */
import { randomUUID } from 'node:crypto';
import { type Job, Queue, Worker } from 'bullmq';
import { answerQuestions, workerOptions } from '../measure/worker.ts';
import { cyclesOf } from './cycles.ts';

const { url } = workerOptions<{ url: string }>();
const { hostname: host, port } = new URL(url);
const connection = { host, port: Number(port), maxRetriesPerRequest: null };
const name = `bench-${randomUUID()}`;
const prefix = '{venue}';
const queue = new Queue(name, {
  connection,
  prefix,
  defaultJobOptions: { removeOnComplete: true, removeOnFail: false },
});
const worker = new Worker(name, null, { connection, prefix, lockDuration: 30_000 });
const jobs = new Map<string, Job>();

answerQuestions(
  {
    cycles: cyclesOf({
      publish: (body) => queue.add('message', { body }),
      async consume(consumer) {
        const job = await worker.getNextJob(consumer, { block: false });
        if (job?.id === undefined) return undefined;
        jobs.set(job.id, job);
        return job.id;
      },
      async delete(consumer, id) {
        await jobs.get(id)?.moveToCompleted(null, consumer, false);
        jobs.delete(id);
      },
    }),
  },
  async () => {
    await worker.close();
    await queue.close();
  },
);
