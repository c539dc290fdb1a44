/** The lower bound of a position read: concurrent ZRANK calls through one pipelining connection. */

import { Redis } from 'ioredis';
import { answerQuestions, workerOptions } from '../measure/worker.ts';

const { redisUrl } = workerOptions<{ redisUrl: string }>();
const redis = new Redis(redisUrl, { enableAutoPipelining: true });
await redis.ping();

async function run(options: {
  key: string;
  members: Buffer[];
  seconds: number;
  concurrency: number;
}): Promise<number> {
  const { key, members, seconds, concurrency } = options;
  const startedAt = performance.now();
  const ends = startedAt + seconds * 1_000;
  let ranks = 0;
  const rank = async (member: Buffer) => {
    while (performance.now() < ends) {
      if ((await redis.zrank(key, member)) === null) throw new Error('the queue is not in Redis');
      ranks += 1;
    }
  };
  await Promise.all(
    Array.from({ length: concurrency }, (_, index) =>
      rank(members[index % members.length] as Buffer),
    ),
  );
  return ranks / ((performance.now() - startedAt) / 1_000);
}

answerQuestions({ run }, async () => {
  redis.disconnect();
});
