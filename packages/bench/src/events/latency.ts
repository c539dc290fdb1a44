import { setTimeout as delay } from 'node:timers/promises';
import { percentile } from '../measure/report.ts';
import { startWorker, stopAll, type Worker } from '../measure/worker.ts';

/** Not counted: connections are opened and code is compiled. */
const warmUpSeconds = 3;
const waitSecondsMax = 120;

/** Milliseconds. */
export type Latency = { p50: number; p99: number; max: number; count: number };

/** From the start of a send to its reception, with the SQS client alone on both sides. */
export async function measureRawLatency(options: {
  queueUrl: string;
  perSecond: number;
  seconds: number;
  bytes: number;
}): Promise<Latency> {
  const { queueUrl, perSecond, bytes } = options;
  const count = countOf(options);
  return measure(options, {
    receiver: await startWorker('packages/bench/src/events/raw-receiver-worker.ts', { queueUrl }),
    sender: await startWorker('packages/bench/src/events/raw-sender-worker.ts', {
      ...{ queueUrl, perSecond, count, bytes },
    }),
  });
}

/** From the commit of a change to the start of its event's handler in another process. */
export async function measureCommitToHandler(options: {
  url: string;
  prefix: string;
  perSecond: number;
  seconds: number;
}): Promise<Latency> {
  const { url, prefix, perSecond } = options;
  const count = countOf(options);
  return measure(options, {
    receiver: await startWorker('packages/bench/src/events/handler-worker.ts', { prefix }),
    sender: await startWorker('services/queue/src/bench/change-lines-worker.ts', {
      ...{ url, prefix, perSecond, count },
    }),
  });
}

function countOf(options: { perSecond: number; seconds: number }): number {
  return options.perSecond * (warmUpSeconds + options.seconds);
}

async function measure(
  options: { perSecond: number },
  { sender, receiver }: { sender: Worker; receiver: Worker },
): Promise<Latency> {
  try {
    const begins = (await sender.ask('run')) as Map<string, number>;
    const deadline = performance.now() + waitSecondsMax * 1_000;
    while (((await receiver.ask('count')) as number) < begins.size) {
      if (performance.now() > deadline) throw new Error('not all events arrived');
      await delay(100);
    }
    const starts = (await receiver.ask('starts')) as Map<string, number>;
    const latencies = [...begins]
      .slice(warmUpSeconds * options.perSecond)
      .map(([id, begin]) => (starts.get(id) ?? Number.POSITIVE_INFINITY) - begin);
    return {
      p50: percentile(latencies, 0.5),
      p99: percentile(latencies, 0.99),
      max: percentile(latencies, 1),
      count: latencies.length,
    };
  } finally {
    await stopAll([sender, receiver]);
  }
}
