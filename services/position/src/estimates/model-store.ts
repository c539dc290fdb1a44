import type { Clock } from '@queue-manager/service-kit/clock';
import { lineKeys, modelFields } from '../projection/line-keys.ts';
import type { RedisConnection } from '../projection/redis.ts';
import { defineScript } from '../projection/scripts.ts';

/** A model as Redis holds it, beside the projection of its queue. */
export type StoredModel = {
  lineSeq: number;
  isDeleted: boolean;
  /** Last event that the model has learned from; -1 if there is no model. */
  seq: number;
  state: Buffer | null;
  /** Last event that the queue service's copy has learned from; -1 if it is not known to have one. */
  keptSeq: number;
};

export type ModelStore = ReturnType<typeof createModelStore>;

/** Models in Redis, which expire with the projection of their queue. */
export function createModelStore({ redis, clock }: { redis: RedisConnection; clock: Clock }) {
  const writeScript = defineScript(redis.client, 'write-model-1', []);
  const noteKeptScript = defineScript(redis.client, 'note-kept-1', []);
  const metaKey = (queueId: string) => lineKeys(queueId, clock.now())[0] as string;
  const { seq, state, keptSeq } = modelFields;

  return {
    /** Null if Redis does not have the projection. */
    async read(queueId: string): Promise<StoredModel | null> {
      const got = await redis.client.hmgetBuffer(
        metaKey(queueId),
        ...['seq', 'deleted', seq, state, keptSeq],
      );
      const [lineSeq, deleted, modelSeq, model, kept] = got;
      if (lineSeq == null) return null;
      return {
        lineSeq: Number(lineSeq),
        isDeleted: String(deleted) === '1',
        seq: numberOr(-1, modelSeq),
        state: model ?? null,
        keptSeq: numberOr(-1, kept),
      };
    },

    /** Replaces the model that had learned up to `before`; false if another one is stored by now. */
    async write(
      queueId: string,
      model: { before: number; seq: number; state: Buffer; keptSeq: number },
    ): Promise<boolean> {
      const written = await writeScript(
        [metaKey(queueId)],
        [model.before, model.seq, model.state, model.keptSeq],
      );
      return written === 1;
    },

    /** Notes that the queue service has a copy of the model as of `keptSeq`. */
    async noteKept(queueId: string, keptSeq: number): Promise<void> {
      await noteKeptScript([metaKey(queueId)], [keptSeq]);
    },
  };
}

function numberOr(fallback: number, text: Buffer | null | undefined): number {
  const value = text == null ? Number.NaN : Number(text);
  return Number.isSafeInteger(value) ? value : fallback;
}
