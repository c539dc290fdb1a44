/**
 * The baseline of a position read: a Fastify route that checks the ticket, makes the service's call to Redis and
 * answers with as many bytes. It has no hooks, logs, metrics or headers beyond Fastify's own.
 */
import { answerQuestions, cpuSeconds, workerOptions } from '@queue-manager/bench/measure/worker';
import { systemClock } from '@queue-manager/service-kit/clock';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { connectRedis } from '@queue-manager/service-kit/redis';
import { testLogger } from '@queue-manager/service-kit/testing';
import { createTicketCodec, type TicketKey } from '@queue-manager/service-kit/tickets';
import { fastify } from 'fastify';
import { modelName } from '../model/model.ts';
import { lineKeys } from '../projection/line-keys.ts';
import { defineScript } from '../projection/scripts.ts';

const { redisUrl, ticketKeys } = workerOptions<{ redisUrl: string; ticketKeys: TicketKey[] }>();

const tickets = createTicketCodec(ticketKeys);
const redis = connectRedis({
  url: redisUrl,
  isCluster: false,
  commandTimeoutMs: 5_000,
  logger: testLogger,
});
const readPlaces = defineScript(redis, 'read-places-7', ['line']);

const app = fastify({ routerOptions: { maxParamLength: 512 } });
app.get('/v1/positions/:ticket', async (request, reply) => {
  const subject = tickets.read((request.params as { ticket: string }).ticket);
  if (subject === null) return reply.code(404).send();
  const now = systemClock.now();
  const line = (await readPlaces(lineKeys(subject.queueId, now), [
    uuidToBytes(subject.partyId),
  ])) as [number, number, number, ...(number | Buffer)[]];
  const ahead = Number(line[8]);
  const asOf = now.toISOString();
  const p50 = (ahead + 1) * 120;
  return {
    state: String(line[7]),
    position: ahead + 1,
    ahead,
    waiting: line[2],
    estimate: { p10: p50 / 2, p50, p90: p50 * 2, model: modelName, asOf },
    asOf,
    seq: line[1],
  };
});
const url = await app.listen({ host: '127.0.0.1', port: 0 });

function keysOf(queueId: string) {
  const [meta = '', line = ''] = lineKeys(queueId, systemClock.now()).map(String);
  return { meta, line };
}

answerQuestions(
  {
    url: () => url,
    cpuSeconds,
    /** Key of the sorted set that holds a queue's waiting parties. */
    lineKey: ({ queueId }) => keysOf(queueId).line,
    /** Makes the projection of a queue incomplete, so that the service rebuilds it. */
    loseLine: ({ queueId }) => redis.hdel(keysOf(queueId).meta, 'seq'),
  },
  async () => {
    await app.close();
    redis.disconnect();
  },
);
