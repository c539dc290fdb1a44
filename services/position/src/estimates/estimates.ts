import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@queue-manager/service-kit/logging';
import { createModel, type Model, restore } from '../model/model.ts';
import type { Learner } from './learner.ts';
import type { Learned, LearnedStore } from './model-store.ts';

/** Models that one process holds, of some kilobytes each. */
const modelsMax = 2_000;
/** Who does not hear from Redis how far a line was learned looks this often. */
const lookEveryMs = 2_000;
/**
 * A line that Redis lost comes back without what was learned, which the queue service keeps: whoever asks first waits
 * so long for it, once, rather than be told what nobody in this line ever waited. Not where so little has happened
 * that there is next to nothing to learn.
 */
const learnMsMax = 1_000;
const eventsMin = 20;

/** What the answer from Redis says of a line. */
export type AsOf = { seq: number; modelSeq: number | null };

export type Estimates = {
  /**
   * The model of a line, as Redis has just told of it: at once where this process has it at hand, be it one that is
   * being replaced; else after one more question to Redis or, where that has lost it, once it is learned again. It
   * is waited for no longer than `waitMs`. Without what was learned when all that fails.
   */
  of(queueId: string, line: AsOf, waitMs?: number): Model | Promise<Model>;
  /** Has the model of a line that Redis knows at hand, for `atHand`. */
  prepare(queueId: string): Promise<void>;
  /** The model of a line that this process has at hand, which is kept fresh meanwhile. */
  atHand(queueId: string): Model;
  /** Says that events of a line were applied: there may be something to learn. */
  applied(queueId: string, line: AsOf): void;
  /** Takes what was learned in this process. */
  learned(queueId: string, seq: number, model: Model): void;
};

/** `seq` is -1 where nothing was known to have been learned. */
type Held = { seq: number; model: Model; isUsed: boolean; isBeingRead: boolean; lookedAt: number };

/** Holds the models of the lines that are asked for; Redis is asked for one only when it has learned. */
export function createEstimates(given: {
  store: LearnedStore;
  learner: Pick<Learner, 'wake' | 'remind' | 'now'>;
  logger: Logger;
}): Estimates {
  const { store, learner, logger } = given;
  const held = new Map<string, Held>();
  const reading = new Map<string, Promise<Model>>();
  const untaught = createModel();

  function hold(queueId: string, seq: number, model: Model): void {
    const known = held.get(queueId);
    if (known !== undefined) {
      if (seq > known.seq) {
        known.seq = seq;
        known.model = model;
      }
      return;
    }
    // Who was asked for since its last turn stays for another round.
    while (held.size >= modelsMax) {
      const [oldest, entry] = held.entries().next().value as [string, Held];
      held.delete(oldest);
      if (entry.isUsed) held.set(oldest, entry);
      entry.isUsed = false;
    }
    const lookedAt = performance.now();
    held.set(queueId, { seq, model, isUsed: false, isBeingRead: false, lookedAt });
  }

  /** What Redis holds now; a model that cannot be read counts as one that knows nothing. */
  async function read(queueId: string): Promise<Learned | null> {
    const learned = await store.read(queueId);
    if (learned === null) return null;
    const { seq, state } = learned;
    const model = state === null || seq < 0 ? null : restore(state);
    if (model === null) learner.wake(queueId);
    hold(queueId, seq, model ?? untaught);
    return learned;
  }

  async function readOrLearn(queueId: string): Promise<void> {
    const isNew = !held.has(queueId);
    const learned = await read(queueId);
    const isLost = learned !== null && learned.lineSeq > eventsMin && held.get(queueId)?.seq === -1;
    if (!isNew || !isLost) return;
    await Promise.race([learner.now(queueId), delay(learnMsMax, undefined, { ref: false })]);
    // Another process may have been first.
    if (held.get(queueId)?.seq === -1) await read(queueId);
  }

  function readFirst(queueId: string): Promise<Model> {
    const underWay = reading.get(queueId);
    if (underWay !== undefined) return underWay;
    const first = readOrLearn(queueId)
      .catch((error: unknown) =>
        logger.warn({ err: error, queueId }, 'estimating without what was learned'),
      )
      .then(() => held.get(queueId)?.model ?? untaught)
      .finally(() => reading.delete(queueId));
    reading.set(queueId, first);
    return first;
  }

  function readAgain(queueId: string, known: Held): void {
    if (known.isBeingRead) return;
    known.isBeingRead = true;
    read(queueId)
      .catch((error: unknown) =>
        logger.debug({ err: error, queueId }, 'the model could not be read again yet'),
      )
      .finally(() => {
        known.isBeingRead = false;
      });
  }

  return {
    of(givenId, { seq, modelSeq }, waitMs) {
      const queueId = givenId.toLowerCase();
      if (modelSeq === null) learner.wake(queueId);
      else if (modelSeq < seq) learner.remind(queueId);
      const known = held.get(queueId);
      if (known === undefined || known.seq < 0) {
        if (modelSeq === null && (known !== undefined || seq <= eventsMin)) return untaught;
        const first = readFirst(queueId);
        if (waitMs === undefined) return first;
        return Promise.race([first, delay(waitMs, untaught, { ref: false })]);
      }
      known.isUsed = true;
      if (modelSeq !== null && modelSeq > known.seq) readAgain(queueId, known);
      return known.model;
    },
    async prepare(queueId) {
      if (!held.has(queueId)) await readFirst(queueId);
    },
    atHand(queueId) {
      const known = held.get(queueId);
      if (known === undefined) {
        void readFirst(queueId);
        return untaught;
      }
      known.isUsed = true;
      const now = performance.now();
      if (now - known.lookedAt > lookEveryMs) {
        known.lookedAt = now;
        readAgain(queueId, known);
      }
      return known.model;
    },
    applied(givenId, { seq, modelSeq }) {
      if (modelSeq === null || modelSeq < seq) learner.wake(givenId.toLowerCase());
    },
    learned: hold,
  };
}
