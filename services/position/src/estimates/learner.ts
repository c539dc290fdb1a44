import { getLineEvents, getModel, keepModel } from '@queue-manager/contracts/internal';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import type { Logger } from '@queue-manager/service-kit/logging';
import { Problem } from '@queue-manager/service-kit/problems';
import { toLearningEvent } from '../model/learning-event.ts';
import { createModel, type Model, modelName, observe, restore, serialise } from '../model/model.ts';
import type { Learned, LearnedStore } from './model-store.ts';

/** A page is read and learned in a few milliseconds, so that nobody waits for it. */
const eventsPerPage = 250;
/** Lines that one process learns at the same time. */
const linesMax = 4;
const retryMsMax = 60_000;

export type LearningPace = {
  /** How long after a change a line is learned; what changes until then is learned with it. */
  everyMs: number;
  /** What was learned is kept with the queue service after so many events, and when it has been this long. */
  keepAfterEvents: number;
  keepAfterMs: number;
  /** A queue of which nothing is kept is learned from so many of its events, the latest. */
  eventsMax: number;
};

export const usualPace: LearningPace = {
  everyMs: 1_000,
  keepAfterEvents: 200,
  keepAfterMs: 60_000,
  // Some weeks of a busy venue, learned in seconds.
  eventsMax: 20_000,
};

/** What a reader finds not learned is left to whoever has applied it for so many times as long. */
const readersPatience = 5;
/** How long a stopping process tries to have kept what it has learned. */
const stopMsMax = 3_000;
const callTimeoutMs = 2_500;

export type Learner = {
  /** Says that a line has changed: it is looked at soon, once however often this is said. */
  wake(queueId: string): void;
  /** Says that something of a line was found not learned: it is looked at should that still be so in a while. */
  remind(queueId: string): void;
  /** Has a line learned at once; resolves when that was tried, and at once where it failed before. */
  now(queueId: string): Promise<void>;
  /** Keeps what is not kept yet, and ends. */
  stop(): Promise<void>;
};

/**
 * Learns from the queue service's own events, in their order, behind everything else: an outage makes estimates
 * older and nothing worse. Any process may learn any line: what it makes of the events takes the place of what it
 * began with or, when somebody else was first, of nothing. Learning the same events gives the same model, so that
 * what is lost with Redis comes back from the model that the queue service keeps and the events behind it.
 */
export function createLearner(given: {
  store: LearnedStore;
  queueService: InternalClient;
  logger: Logger;
  pace: LearningPace;
  /** Called with what was learned up to an event. */
  onLearned: (queueId: string, seq: number, model: Model) => void;
}): Learner {
  const { store, queueService, logger, pace, onLearned } = given;
  /** When lines are looked at next. */
  const looks = new Map<string, { timer: NodeJS.Timeout; at: number }>();
  /** How often in a row learning a line has failed. */
  const failures = new Map<string, number>();
  /** Lines to look at, and those being learned. */
  const due = new Set<string>();
  const learning = new Map<string, Promise<void>>();
  /** Who waits until a line is learned. */
  const waiting = new Map<string, PromiseWithResolvers<void>>();
  /** Lines of which not everything is kept. */
  const keeps = new Map<string, NodeJS.Timeout>();
  let isStopped = false;

  function look(queueId: string, inMs: number): void {
    if (isStopped || due.has(queueId)) return;
    const at = performance.now() + inMs;
    const planned = looks.get(queueId);
    // What failed is left alone for as long as was said then.
    if (planned !== undefined && (planned.at <= at || failures.has(queueId))) return;
    clearTimeout(planned?.timer);
    const timer = setTimeout(() => {
      looks.delete(queueId);
      due.add(queueId);
      goOn();
    }, inMs);
    timer.unref();
    looks.set(queueId, { timer, at });
  }

  function goOn(): void {
    for (const queueId of due) {
      if (isStopped || learning.size >= linesMax) return;
      if (learning.has(queueId)) continue;
      due.delete(queueId);
      learning.set(
        queueId,
        learnOrRetry(queueId).finally(() => {
          learning.delete(queueId);
          waiting.get(queueId)?.resolve();
          waiting.delete(queueId);
          goOn();
        }),
      );
    }
  }

  async function learnOrRetry(queueId: string): Promise<void> {
    try {
      await learn(queueId);
      failures.delete(queueId);
    } catch (error) {
      if (isGone(error)) return void failures.delete(queueId);
      const before = failures.get(queueId) ?? 0;
      const inMs = Math.min(2 ** before * pace.everyMs, retryMsMax);
      logger.warn({ err: error, queueId, inMs }, 'nothing could be learned yet');
      clearTimeout(looks.get(queueId)?.timer);
      looks.delete(queueId);
      look(queueId, inMs);
      failures.set(queueId, before + 1);
    }
  }

  async function learn(queueId: string): Promise<void> {
    const learned = await store.read(queueId);
    // A line that Redis does not have is rebuilt by whoever asks for it, and then learned.
    if (learned === null || learned.isDeleted) return;
    const { model, keptSeq, ...from } = await begin(queueId, learned);
    let { seq, isWritten } = from;
    let before = learned.seq;
    if (seq < learned.lineSeq) {
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
    if (seq > keptSeq) keepLater(queueId, seq - keptSeq);

    async function write(): Promise<boolean> {
      if (isWritten) return true;
      const state = serialise(model);
      isWritten = await store.write(queueId, { before, seq, state, keptSeq });
      if (!isWritten) return false;
      before = seq;
      // As any other process reads it, and apart from what goes on learning.
      const asRead = restore(state);
      if (asRead !== null) onLearned(queueId, seq, asRead);
      return true;
    }
  }

  /** What learning goes on from, and whether Redis holds just that. */
  async function begin(
    queueId: string,
    learned: Learned,
  ): Promise<{ model: Model; seq: number; keptSeq: number; isWritten: boolean }> {
    const { seq, keptSeq, state } = learned;
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
    const from = Math.max(0, learned.lineSeq - pace.eventsMax);
    return { model: createModel(), seq: from, keptSeq: -1, isWritten: false };
  }

  function keepLater(queueId: string, events: number): void {
    const isDue = events >= pace.keepAfterEvents;
    if (keeps.has(queueId) && !isDue) return;
    clearTimeout(keeps.get(queueId));
    const timer = setTimeout(() => void keep(queueId), isDue ? 0 : pace.keepAfterMs);
    timer.unref();
    keeps.set(queueId, timer);
  }

  /** Hands the queue service what was learned, unless it keeps that already. */
  async function keep(queueId: string): Promise<void> {
    clearTimeout(keeps.get(queueId));
    keeps.delete(queueId);
    try {
      const learned = await store.read(queueId);
      if (learned === null || learned.isDeleted || learned.state === null) return;
      const { seq, state, keptSeq } = learned;
      if (seq <= keptSeq) return;
      await queueService.call(keepModel, {
        params: { queueId },
        body: { seq, model: modelName, state: state.toString('base64') },
        timeoutMs: callTimeoutMs,
      });
      await store.noteKept(queueId, seq);
    } catch (error) {
      if (isGone(error)) return;
      logger.warn({ err: error, queueId }, 'what was learned is not kept yet');
      if (!isStopped) keepLater(queueId, 0);
    }
  }

  return {
    wake: (queueId) => look(queueId, pace.everyMs),
    remind: (queueId) => look(queueId, readersPatience * pace.everyMs),
    async now(queueId) {
      if (isStopped || failures.has(queueId)) return;
      look(queueId, 0);
      const known = waiting.get(queueId) ?? Promise.withResolvers<void>();
      waiting.set(queueId, known);
      await known.promise;
    },
    async stop() {
      isStopped = true;
      for (const { timer } of looks.values()) clearTimeout(timer);
      for (const timer of keeps.values()) clearTimeout(timer);
      for (const { resolve } of waiting.values()) resolve();
      const done = Promise.all(learning.values()).then(() =>
        Promise.all(Array.from(keeps.keys(), keep)),
      );
      const { promise: isLate, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, stopMsMax);
      await Promise.race([done, isLate]);
      clearTimeout(timer);
    },
  };
}

/** Whether the queue service knows no such queue (any more). */
function isGone(error: unknown): boolean {
  return error instanceof Problem && error.code === 'not-found';
}
