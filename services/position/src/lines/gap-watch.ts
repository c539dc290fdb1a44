import type { Logger } from '@queue-manager/service-kit/logging';
import { withoutDeadline } from '@queue-manager/service-kit/trace-context';
import type { Projection } from '../projection/projection.ts';
import type { Rebuild } from './rebuild.ts';

/** How long a missing event may take to arrive once later ones have. */
const patienceMs = 1_000;
const retryMsMax = 30_000;

export type GapWatch = {
  /** Reports that a projection at `seq` has buffered events that wait for an earlier one. */
  watch(queueId: string, seq: number): void;
  stop(): void;
};

/**
 * Closes gaps that do not close by themselves: a projection whose `seq` has not advanced while events are buffered is
 * rebuilt, with backoff on failure. Every process watches the gaps it has seen; if it crashes, the next read of the
 * queue reports the gap again.
 */
export function createGapWatch(options: {
  projection: Projection;
  rebuild: Rebuild;
  logger: Logger;
}): GapWatch {
  const { projection, rebuild, logger } = options;
  const timers = new Map<string, NodeJS.Timeout>();
  let isStopped = false;

  function look(queueId: string, seq: number, inMs: number): void {
    if (isStopped || timers.has(queueId)) return;
    const check = async () => {
      timers.delete(queueId);
      try {
        const line = await projection.readPlaces(queueId, []);
        if (line.pending === 0) return;
        if (line.isKnown && line.seq > seq) return look(queueId, line.seq, patienceMs);
        logger.info({ queueId, seq, pending: line.pending }, 'an event is missing: rebuilding');
        await rebuild(queueId, { seq: seq + 1 });
        // The rebuild may have joined one that began before the gap.
        look(queueId, seq, patienceMs);
      } catch (error) {
        logger.warn({ err: error, queueId }, 'cannot close a gap yet');
        look(queueId, seq, Math.min(2 * inMs, retryMsMax));
      }
    };
    const timer = setTimeout(() => withoutDeadline(check), inMs);
    timer.unref();
    timers.set(queueId, timer);
  }

  return {
    watch: (queueId, seq) => look(queueId, seq, patienceMs),
    stop() {
      isStopped = true;
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    },
  };
}
