import type { Clock } from '@queue-manager/service-kit/clock';
import { lineKeys, modelFields } from '../projection/line-keys.ts';
import type { RedisConnection } from '../projection/redis.ts';
import { defineScript } from '../projection/scripts.ts';

/** What Redis knows of a line and of what was learned about it. */
export type Learned = {
  lineSeq: number;
  isDeleted: boolean;
  /** The last event that was learned from; -1 when nothing is known to have been learned. */
  seq: number;
  state: Buffer | null;
  /** The last event that the model kept by the queue service has seen; -1 when nothing is known to be kept. */
  keptSeq: number;
};

export type LearnedStore = ReturnType<typeof createLearnedStore>;

/** What was learned about lines, as Redis holds it beside them: it comes and goes with the line. */
export function createLearnedStore({ redis, clock }: { redis: RedisConnection; clock: Clock }) {
  const writeScript = defineScript(redis.client, 'write-model-1', []);
  const noteKeptScript = defineScript(redis.client, 'note-kept-1', []);
  const metaKey = (queueId: string) => lineKeys(queueId, clock.now())[0] as string;
  const { seq, state, keptSeq } = modelFields;

  return {
    /** Null when Redis does not have the line. */
    async read(queueId: string): Promise<Learned | null> {
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

    /** Replaces what had been learned up to `before`; false when that is not what is there any more. */
    async write(
      queueId: string,
      learned: { before: number; seq: number; state: Buffer; keptSeq: number },
    ): Promise<boolean> {
      const written = await writeScript(
        [metaKey(queueId)],
        [learned.before, learned.seq, learned.state, learned.keptSeq],
      );
      return written === 1;
    },

    /** Notes that the queue service keeps what was learned up to `keptSeq`. */
    async noteKept(queueId: string, keptSeq: number): Promise<void> {
      await noteKeptScript([metaKey(queueId)], [keptSeq]);
    },
  };
}

function numberOr(otherwise: number, text: Buffer | null | undefined): number {
  const value = text == null ? Number.NaN : Number(text);
  return Number.isSafeInteger(value) ? value : otherwise;
}
