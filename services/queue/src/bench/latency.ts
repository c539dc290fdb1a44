import { setTimeout as delay } from 'node:timers/promises';
import { startWorker, type Worker } from './worker.ts';

/** Not counted: connections are made and code is compiled. */
const warmUpSeconds = 3;
const waitSecondsMax = 120;

/** Milliseconds. */
export type Latency = { p50: number; p99: number; max: number; count: number };

/** From the beginning of a send to its reception, with nothing but the SQS client on both sides. */
export async function measureRawLatency(options: {
  queueUrl: string;
  perSecond: number;
  seconds: number;
  bytes: number;
}): Promise<Latency> {
  const { queueUrl, perSecond, bytes } = options;
  const count = countOf(options);
  return measure(options, {
    receiver: await startWorker('raw-receiver-worker.ts', { queueUrl }),
    sender: await startWorker('raw-sender-worker.ts', { queueUrl, perSecond, count, bytes }),
  });
}

/** From the commit of a line's change to the beginning of its event's handler in another process. */
export async function measureCommitToHandler(options: {
  url: string;
  prefix: string;
  perSecond: number;
  seconds: number;
}): Promise<Latency> {
  const { url, prefix, perSecond } = options;
  const count = countOf(options);
  return measure(options, {
    receiver: await startWorker('handler-worker.ts', { prefix }),
    sender: await startWorker('line-worker.ts', { url, prefix, perSecond, count }),
  });
}

function countOf(options: { perSecond: number; seconds: number }): number {
  return options.perSecond * (warmUpSeconds + options.seconds);
}

async function measure(
  options: { perSecond: number },
  workers: { sender: Worker; receiver: Worker },
): Promise<Latency> {
  try {
    const begins = (await workers.sender.ask('run')) as Map<string, number>;
    const deadline = performance.now() + waitSecondsMax * 1_000;
    while (((await workers.receiver.ask('count')) as number) < begins.size) {
      if (performance.now() > deadline) throw new Error('events did not arrive');
      await delay(100);
    }
    const starts = (await workers.receiver.ask('starts')) as Map<string, number>;
    const latencies = [...begins]
      .slice(warmUpSeconds * options.perSecond)
      .map(([id, begin]) => (starts.get(id) ?? Number.POSITIVE_INFINITY) - begin)
      .sort((a, b) => a - b);
    return {
      p50: percentile(latencies, 0.5),
      p99: percentile(latencies, 0.99),
      max: latencies.at(-1) ?? Number.NaN,
      count: latencies.length,
    };
  } finally {
    await Promise.all(Object.values(workers).map((worker) => worker.stop()));
  }
}

/** The smallest value that so large a part is not greater than. */
function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.ceil(part * sorted.length) - 1] ?? Number.NaN;
}
