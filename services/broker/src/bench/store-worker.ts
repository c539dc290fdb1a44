/** Cycles of publishing, consuming and deleting a message with the store of the broker. */
import { cyclesOf } from '@queue-manager/bench/broker/cycles';
import { answerQuestions, workerOptions } from '@queue-manager/bench/measure/worker';
import { systemClock } from '@queue-manager/service-kit/clock';
import { createLogger } from '@queue-manager/service-kit/logging';
import { connectRedis } from '@queue-manager/service-kit/redis';
import { createMessageStore } from '../store/message-store.ts';

const { url, venueId } = workerOptions<{ url: string; venueId: string }>();
const redis = connectRedis({
  url,
  isCluster: false,
  commandTimeoutMs: 60_000,
  logger: createLogger({ name: 'bench', level: 'warn' }),
});
while (redis.status !== 'ready') await new Promise((resolve) => redis.once('ready', resolve));
const store = createMessageStore({
  redis,
  clock: systemClock,
  deliveriesMax: 10,
  backlog: { messagesMax: 10_000_000, bytesMax: 10_000_000_000, ageDaysMax: 14, keysMax: 1 },
});

answerQuestions(
  {
    cycles: cyclesOf({
      publish: (body) => store.publish({ venueId, body }),
      async consume(cid) {
        const options = { venueId, cid, limit: 1, visibilitySeconds: 30 };
        return (await store.consume(options)).messages[0]?.id;
      },
      delete: (cid, id) => store.delete({ venueId, cid, id }),
    }),
    /** Publishes messages, many at once. */
    async fill({ count, body }: { count: number; body: string }) {
      const perBatch = 1_000;
      for (let left = count; left > 0; left -= perBatch) {
        const size = Math.min(perBatch, left);
        await Promise.all(Array.from({ length: size }, () => store.publish({ venueId, body })));
      }
    },
  },
  async () => redis.disconnect(),
);
