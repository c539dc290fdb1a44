/** The floor of a position read: ZRANK by itself, so many at once through one pipelining connection. */
import { answerQuestions, workerOptions } from '@queue-manager/queue/bench/worker';
import { Redis } from 'ioredis';

const { redisUrl } = workerOptions<{ redisUrl: string }>();
const redis = new Redis(redisUrl, { enableAutoPipelining: true });
await redis.ping();

async function run(asked: {
  key: string;
  members: Buffer[];
  seconds: number;
  atOnce: number;
}): Promise<number> {
  const { key, members, seconds, atOnce } = asked;
  const startedAt = performance.now();
  const ends = startedAt + seconds * 1_000;
  let ranks = 0;
  const ask = async (member: Buffer) => {
    while (performance.now() < ends) {
      if ((await redis.zrank(key, member)) === null) throw new Error('the line is not there');
      ranks += 1;
    }
  };
  await Promise.all(
    Array.from({ length: atOnce }, (_, index) => ask(members[index % members.length] as Buffer)),
  );
  return ranks / ((performance.now() - startedAt) / 1_000);
}

answerQuestions({ run }, async () => {
  redis.disconnect();
});
