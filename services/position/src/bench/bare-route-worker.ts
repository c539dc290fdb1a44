/**
 * The baseline of a position read: a Fastify route that checks the ticket, asks Redis what the service asks,
 * and answers with as many bytes. No hooks, logs, metrics or headers beside Fastify's own.
 */
import { answerQuestions, workerOptions } from '@queue-manager/queue/bench/worker';
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

answerQuestions(
  {
    url: () => url,
    cpuSeconds: () => process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6,
  },
  async () => {
    await app.close();
    redis.disconnect();
  },
);
