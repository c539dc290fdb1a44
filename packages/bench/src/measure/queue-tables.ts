import { startWorker } from './worker.ts';

/** The queue service's tables, which a process of that service creates and fills. */
export async function openQueueTables(url: string) {
  const worker = await startWorker('services/queue/src/bench/queue-tables-worker.ts', { url });
  return {
    async migrate(): Promise<void> {
      await worker.ask('migrate');
    },
    /** Adds waiting parties to a queue without events in the outbox. */
    async fillLine(queueId: string, count: number): Promise<void> {
      await worker.ask('fillLine', { queueId, count });
    },
    close: () => worker.stop(),
  };
}
