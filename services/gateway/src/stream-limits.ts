import { limits } from '@queue-manager/contracts/values';
import type { Logger } from '@queue-manager/service-kit/logging';
import { problems } from '@queue-manager/service-kit/problems';
import type { Metrics } from '@queue-manager/service-kit/telemetry/metrics';

/** Descriptors that are left for calls, services and stores. */
const descriptorsKept = 2_000;
const logEveryMs = 60_000;

/** Counts open streams, so that no address or board, nor all of them together, take every connection. */
export type StreamLimits = {
  /**
   * Counts a stream; call the returned function once at its end. Throws `too-many-requests` when its address or its
   * board has too many, and `unavailable` when this process has.
   */
  open(stream: { address: string; board: string | null }): () => void;
};

export function createStreamLimits(options: {
  logger: Logger;
  metrics: Metrics;
  /** Streams of this process; by default, what its limit of file descriptors leaves. */
  streamsMax: number | undefined;
}): StreamLimits {
  const { logger, metrics, streamsMax = streamsMaxOf(descriptorsOf()) } = options;
  const counts = new Map<string, number>();
  const refused = metrics.counter('streams_refused_total');
  metrics.gauge('streams_open', () => counts.get('process') ?? 0);
  let loggedAt = Number.NEGATIVE_INFINITY;

  function refuse(limit: string): void {
    refused({ limit });
    if (performance.now() < loggedAt + logEveryMs) return;
    loggedAt = performance.now();
    logger.warn({ limit, open: counts.get('process') }, 'event streams are refused');
  }

  return {
    open({ address, board }) {
      const keys = ['process', `address ${address}`, ...(board === null ? [] : [`board ${board}`])];
      const maxima = [streamsMax, limits.streamsOfAddressMax, limits.streamsOfBoardMax];
      keys.forEach((key, index) => {
        const max = maxima[index] as number;
        if ((counts.get(key) ?? 0) < max) return;
        refuse(key.split(' ')[0] as string);
        if (key === 'process') throw problems.unavailable({ retryAfterSeconds: 5 });
        throw problems.tooManyRequests({
          detail: `Up to ${max} streams may be open at the same time.`,
          retryAfterSeconds: 5,
        });
      });
      for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
      return () => {
        for (const key of keys) {
          const left = (counts.get(key) ?? 0) - 1;
          if (left > 0) counts.set(key, left);
          else counts.delete(key);
        }
      };
    },
  };
}

function streamsMaxOf(descriptors: number): number {
  return Math.max(descriptors - descriptorsKept, Math.floor(descriptors / 2));
}

/** The process's limit of open files; Node has no shorter way to it. */
function descriptorsOf(): number {
  const { userLimits } = process.report.getReport() as {
    userLimits?: { open_files?: { soft?: number | string } };
  };
  const soft = Number(userLimits?.open_files?.soft);
  return Number.isNaN(soft) ? Number.POSITIVE_INFINITY : soft;
}
