import type { Logger } from '@queue-manager/service-kit/logging';
import { withoutDeadline } from '@queue-manager/service-kit/trace-context';
import { LRUCache } from 'lru-cache';
import pTimeout from 'p-timeout';
import { createModel, type Model, restore } from '../model/model.ts';
import type { Learner } from './learner.ts';
import type { ModelStore, StoredModel } from './model-store.ts';

/** Models cached per process, a few kilobytes each. */
const modelsMax = 2_000;
/** How often a model in use is refreshed if reads of the queue do not say that Redis has a newer one. */
const refreshMs = 2_000;
/**
 * A projection that Redis lost is rebuilt without its model. The first reader waits up to this long, once, until the
 * model is learned again from the queue service's copy, rather than get an estimate from an untaught model. Queues
 * with fewer events than `eventsMin` have next to nothing to learn from.
 */
const learnMsMax = 1_000;
const eventsMin = 20;

/** From a read or change of the projection. */
type AsOf = { seq: number; modelSeq: number | null };

export type Estimates = {
  /**
   * The model of a queue; `line` is what Redis just returned about it. Returned at once if cached, even if a newer one is
   * being loaded; otherwise read from Redis, or learned again if Redis has lost it. Falls back to an untaught model on
   * failure, or after `waitMs`.
   */
  of(queueId: string, line: AsOf, waitMs?: number): Model | Promise<Model>;
  /** Loads the model of a queue that is in Redis, for `cached`. */
  prepare(queueId: string): Promise<void>;
  /** The cached model of a queue, refreshed in the background. */
  cached(queueId: string): Model;
  /** Notes that events were applied, from which the model may have to learn. */
  applied(queueId: string, line: AsOf): void;
  /** Caches a model that this process has learned. */
  keep(queueId: string, seq: number, model: Model): void;
};

/** `seq` is -1 for an untaught model. */
type Cached = { seq: number; model: Model; isRefreshing: boolean; refreshedAt: number };

/** Caches the models of queues in use, and reads them from Redis only when they have changed. */
export function createEstimates(options: {
  store: ModelStore;
  learner: Pick<Learner, 'wake' | 'remind' | 'learnNow'>;
  logger: Logger;
}): Estimates {
  const { store, learner, logger } = options;
  const cache = new LRUCache<string, Cached>({ max: modelsMax });
  const loading = new Map<string, Promise<Model>>();
  const untaught = createModel();

  function keep(queueId: string, seq: number, model: Model): void {
    const known = cache.peek(queueId);
    if (known === undefined) {
      const refreshedAt = performance.now();
      cache.set(queueId, { seq, model, isRefreshing: false, refreshedAt });
    } else if (seq > known.seq) {
      known.seq = seq;
      known.model = model;
    }
  }

  /** Reads the model from Redis; an unreadable one counts as untaught. */
  async function read(queueId: string): Promise<StoredModel | null> {
    const stored = await store.read(queueId);
    if (stored === null) return null;
    const { seq, state } = stored;
    const model = state === null || seq < 0 ? null : restore(state);
    if (model === null) learner.wake(queueId);
    keep(queueId, seq, model ?? untaught);
    return stored;
  }

  async function readOrLearn(queueId: string): Promise<void> {
    const isNew = !cache.has(queueId);
    const stored = await read(queueId);
    const isLost = stored !== null && stored.lineSeq > eventsMin && cache.peek(queueId)?.seq === -1;
    if (!isNew || !isLost) return;
    await pTimeout(learner.learnNow(queueId), { milliseconds: learnMsMax, message: false });
    // Another process may have learned it first.
    if (cache.peek(queueId)?.seq === -1) await read(queueId);
  }

  function load(queueId: string): Promise<Model> {
    const running = loading.get(queueId);
    if (running !== undefined) return running;
    const started = withoutDeadline(() => readOrLearn(queueId))
      .catch((error: unknown) =>
        logger.warn({ err: error, queueId }, 'cannot read the model; estimating without it'),
      )
      .then(() => cache.peek(queueId)?.model ?? untaught)
      .finally(() => loading.delete(queueId));
    loading.set(queueId, started);
    return started;
  }

  function refresh(queueId: string, known: Cached): void {
    if (known.isRefreshing) return;
    known.isRefreshing = true;
    withoutDeadline(() => read(queueId))
      .catch((error: unknown) =>
        logger.debug({ err: error, queueId }, 'cannot refresh the model yet'),
      )
      .finally(() => {
        known.isRefreshing = false;
      });
  }

  return {
    of(rawQueueId, { seq, modelSeq }, waitMs) {
      const queueId = rawQueueId.toLowerCase();
      if (modelSeq === null) learner.wake(queueId);
      else if (modelSeq < seq) learner.remind(queueId);
      const known = cache.get(queueId);
      if (known === undefined || known.seq < 0) {
        if (modelSeq === null && (known !== undefined || seq <= eventsMin)) return untaught;
        const loaded = load(queueId);
        if (waitMs === undefined) return loaded;
        return pTimeout(loaded, { milliseconds: waitMs, fallback: () => untaught });
      }
      if (modelSeq !== null && modelSeq > known.seq) refresh(queueId, known);
      return known.model;
    },
    async prepare(queueId) {
      if (!cache.has(queueId)) await load(queueId);
    },
    cached(queueId) {
      const known = cache.get(queueId);
      if (known === undefined) {
        void load(queueId);
        return untaught;
      }
      const now = performance.now();
      if (now - known.refreshedAt > refreshMs) {
        known.refreshedAt = now;
        refresh(queueId, known);
      }
      return known.model;
    },
    applied(rawQueueId, { seq, modelSeq }) {
      if (modelSeq === null || modelSeq < seq) learner.wake(rawQueueId.toLowerCase());
    },
    keep,
  };
}
