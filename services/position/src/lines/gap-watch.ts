import type { Logger } from '@queue-manager/service-kit/logging';
import type { Projection } from '../projection/projection.ts';
import type { Rebuild } from './rebuild.ts';

/** Events that came early are given this long for the missing one to follow. */
const patienceMs = 1_000;
const retryMsMax = 30_000;

export type GapWatch = {
  /** Says that events of a line wait for one before them, the line standing at `seq`. */
  watch(queueId: string, seq: number): void;
  stop(): void;
};

/**
 * Closes gaps that do not close by themselves: a line that still stands where it stood, with events waiting,
 * is rebuilt; when that fails, again later. Every process watches what it has seen, so that a crash forgets
 * nothing for longer than until the next look at the line.
 */
export function createGapWatch(given: {
  projection: Projection;
  rebuild: Rebuild;
  logger: Logger;
}): GapWatch {
  const { projection, rebuild, logger } = given;
  const timers = new Map<string, NodeJS.Timeout>();
  let isStopped = false;

  function look(queueId: string, seq: number, inMs: number): void {
    if (isStopped || timers.has(queueId)) return;
    const timer = setTimeout(async () => {
      timers.delete(queueId);
      try {
        const line = await projection.readPlaces(queueId, []);
        if (line.pending === 0) return;
        if (line.isKnown && line.seq > seq) return look(queueId, line.seq, patienceMs);
        logger.info({ queueId, seq, pending: line.pending }, 'an event is missing: rebuilding');
        await rebuild(queueId, { seq: seq + 1 });
        // It may have been the end of a rebuild that had begun before.
        look(queueId, seq, patienceMs);
      } catch (error) {
        logger.warn({ err: error, queueId }, 'a gap could not be closed yet');
        look(queueId, seq, Math.min(2 * inMs, retryMsMax));
      }
    }, inMs);
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
