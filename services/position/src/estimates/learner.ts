import { getLineEvents, getModel, keepModel } from '@queue-manager/contracts/internal';
import { backoffMs } from '@queue-manager/service-kit/backoff';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import type { Logger } from '@queue-manager/service-kit/logging';
import { isProblem } from '@queue-manager/service-kit/problems';
import { withoutDeadline } from '@queue-manager/service-kit/trace-context';
import pTimeout from 'p-timeout';
import { toLearningEvent } from '../model/learning-event.ts';
import { createModel, type Model, modelName, observe, restore, serialise } from '../model/model.ts';
import type { ModelStore, StoredModel } from './model-store.ts';

/** Small enough to learn from in a few milliseconds, so that requests are not delayed. */
const eventsPerPage = 250;
/** Queues that one process learns from at the same time. */
const concurrentMax = 4;
const retryMsMax = 60_000;

export type LearningPace = {
  /** Delay between a change and learning from it, together with what else changes meanwhile. */
  everyMs: number;
  /** The model is copied to the queue service after this many events or milliseconds, whichever is first. */
  keepAfterEvents: number;
  keepAfterMs: number;
  /** Without a copy, a queue is learned from its latest events, at most this many. */
  eventsMax: number;
};

export const defaultPace: LearningPace = {
  everyMs: 1_000,
  keepAfterEvents: 200,
  keepAfterMs: 60_000,
  // Some weeks of a busy venue, learned in seconds.
  eventsMax: 20_000,
};

/** Readers leave learning to the process that applied the events, for this many times `everyMs`. */
const readersPatience = 5;
/** How long a stopping process may take to copy its models. */
const stopMsMax = 3_000;
const callTimeoutMs = 2_500;

export type Learner = {
  /** Schedules learning from a queue that has changed; further calls until then have no effect. */
  wake(queueId: string): void;
  /** The same for a reader that finds the model outdated, with a longer delay. */
  remind(queueId: string): void;
  /** Learns from a queue now; resolves after one attempt, or at once if the last attempt failed. */
  learnNow(queueId: string): Promise<void>;
  /** Copies the models that are not copied yet, and stops. */
  stop(): Promise<void>;
};

/**
 * Learns from the queue service's events, in order and in the background: during an outage estimates only get older.
 * Any process may learn from any queue; a result is discarded if another process has stored one meanwhile. Learning is
 * deterministic, so a model that Redis lost is recovered from the queue service's copy and the events after it.
 */
export function createLearner(options: {
  store: ModelStore;
  queueService: InternalClient;
  logger: Logger;
  pace: LearningPace;
  /** Called with each new model and the last event it has learned from. */
  onLearned: (queueId: string, seq: number, model: Model) => void;
}): Learner {
  const { store, queueService, logger, pace, onLearned } = options;
  /** Queues with a scheduled attempt. */
  const scheduled = new Map<string, { timer: NodeJS.Timeout; at: number }>();
  /** Consecutive failed attempts by queue. */
  const failures = new Map<string, number>();
  /** Queues that wait for capacity. */
  const due = new Set<string>();
  const learning = new Map<string, Promise<void>>();
  /** Calls of `learnNow`. */
  const waiting = new Map<string, PromiseWithResolvers<void>>();
  /** Queues whose copy is outdated. */
  const scheduledCopies = new Map<string, NodeJS.Timeout>();
  let isStopped = false;

  function schedule(queueId: string, inMs: number): void {
    if (isStopped || due.has(queueId)) return;
    const at = performance.now() + inMs;
    const known = scheduled.get(queueId);
    // The backoff after a failure is not cut short.
    if (known !== undefined && (known.at <= at || failures.has(queueId))) return;
    clearTimeout(known?.timer);
    const timer = setTimeout(() => {
      scheduled.delete(queueId);
      due.add(queueId);
      startDue();
    }, inMs);
    timer.unref();
    scheduled.set(queueId, { timer, at });
  }

  function startDue(): void {
    for (const queueId of due) {
      if (isStopped || learning.size >= concurrentMax) return;
      if (learning.has(queueId)) continue;
      due.delete(queueId);
      learning.set(
        queueId,
        withoutDeadline(() => learnOrRetry(queueId)).finally(() => {
          learning.delete(queueId);
          waiting.get(queueId)?.resolve();
          waiting.delete(queueId);
          startDue();
        }),
      );
    }
  }

  async function learnOrRetry(queueId: string): Promise<void> {
    try {
      await learn(queueId);
      failures.delete(queueId);
    } catch (error) {
      if (isProblem(error, 'not-found')) return void failures.delete(queueId);
      const before = failures.get(queueId) ?? 0;
      const inMs = backoffMs(before + 1, { firstMs: pace.everyMs, maxMs: retryMsMax });
      logger.warn({ err: error, queueId, inMs }, 'cannot learn from the events yet');
      clearTimeout(scheduled.get(queueId)?.timer);
      scheduled.delete(queueId);
      schedule(queueId, inMs);
      failures.set(queueId, before + 1);
    }
  }

  async function learn(queueId: string): Promise<void> {
    const stored = await store.read(queueId);
    // A missing projection is rebuilt by its next reader, and learned then.
    if (stored === null || stored.isDeleted) return;
    const { model, keptSeq, ...from } = await begin(queueId, stored);
    let { seq, isWritten } = from;
    let before = stored.seq;
    if (seq < stored.lineSeq) {
      for (let isMore = true; isMore && !isStopped; ) {
        const { events } = await queueService.call(getLineEvents, {
          params: { queueId },
          query: { after: seq, limit: eventsPerPage },
          timeoutMs: callTimeoutMs,
        });
        for (const event of events) {
          const lesson = toLearningEvent(event);
          if (lesson !== null) observe(model, lesson);
          seq = event.seq;
          isWritten = false;
        }
        isMore = events.length === eventsPerPage;
        if (!(await write())) return;
      }
    } else if (!(await write())) {
      return;
    }
    if (seq > keptSeq) scheduleCopy(queueId, seq - keptSeq);

    async function write(): Promise<boolean> {
      if (isWritten) return true;
      const state = serialise(model);
      isWritten = await store.write(queueId, { before, seq, state, keptSeq });
      if (!isWritten) return false;
      before = seq;
      // A copy, as other processes read it: this model goes on learning.
      const copy = restore(state);
      if (copy !== null) onLearned(queueId, seq, copy);
      return true;
    }
  }

  /** The model to continue from, and whether it is the one in Redis. */
  async function begin(
    queueId: string,
    stored: StoredModel,
  ): Promise<{ model: Model; seq: number; keptSeq: number; isWritten: boolean }> {
    const { seq, keptSeq, state } = stored;
    const model = state === null || seq < 0 ? null : restore(state);
    if (model !== null) return { model, seq, keptSeq, isWritten: true };
    const { learned: kept } = await queueService.call(getModel, {
      params: { queueId },
      timeoutMs: callTimeoutMs,
    });
    if (kept?.model === modelName) {
      const keptModel = restore(Buffer.from(kept.state, 'base64'));
      if (keptModel !== null) {
        return { model: keptModel, seq: kept.seq, keptSeq: kept.seq, isWritten: false };
      }
    }
    const from = Math.max(0, stored.lineSeq - pace.eventsMax);
    return { model: createModel(), seq: from, keptSeq: -1, isWritten: false };
  }

  function scheduleCopy(queueId: string, events: number): void {
    const isDue = events >= pace.keepAfterEvents;
    if (scheduledCopies.has(queueId) && !isDue) return;
    clearTimeout(scheduledCopies.get(queueId));
    const timer = setTimeout(() => void copyModel(queueId), isDue ? 0 : pace.keepAfterMs);
    timer.unref();
    scheduledCopies.set(queueId, timer);
  }

  /** Copies the model to the queue service, unless that has it already. */
  async function copyModel(queueId: string): Promise<void> {
    clearTimeout(scheduledCopies.get(queueId));
    scheduledCopies.delete(queueId);
    try {
      const stored = await store.read(queueId);
      if (stored === null || stored.isDeleted || stored.state === null) return;
      const { seq, state, keptSeq } = stored;
      if (seq <= keptSeq) return;
      await queueService.call(keepModel, {
        params: { queueId },
        body: { seq, model: modelName, state: state.toString('base64') },
        timeoutMs: callTimeoutMs,
      });
      await store.noteKept(queueId, seq);
    } catch (error) {
      if (isProblem(error, 'not-found')) return;
      const message = 'cannot copy the model to the queue service yet';
      // All services may be stopping. The next change copies it.
      if (isStopped) return logger.debug({ err: error, queueId }, message);
      logger.warn({ err: error, queueId }, message);
      scheduleCopy(queueId, 0);
    }
  }

  return {
    wake: (queueId) => schedule(queueId, pace.everyMs),
    remind: (queueId) => schedule(queueId, readersPatience * pace.everyMs),
    async learnNow(queueId) {
      if (isStopped || failures.has(queueId)) return;
      schedule(queueId, 0);
      const known = waiting.get(queueId) ?? Promise.withResolvers<void>();
      waiting.set(queueId, known);
      await known.promise;
    },
    async stop() {
      isStopped = true;
      for (const { timer } of scheduled.values()) clearTimeout(timer);
      for (const timer of scheduledCopies.values()) clearTimeout(timer);
      for (const { resolve } of waiting.values()) resolve();
      const done = Promise.all(learning.values()).then(() =>
        Promise.all(Array.from(scheduledCopies.keys(), copyModel)),
      );
      await pTimeout(done, { milliseconds: stopMsMax, message: false });
    },
  };
}
