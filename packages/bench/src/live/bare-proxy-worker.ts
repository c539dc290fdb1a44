/** The baseline of the gateway: Fastify's own proxy in front of the bare route. */
import proxy from '@fastify/http-proxy';
import { fastify } from 'fastify';
import { answerQuestions, cpuSeconds, workerOptions } from '../measure/worker.ts';

const { upstream } = workerOptions<{ upstream: string }>();

const app = fastify({ routerOptions: { maxParamLength: 512 } });
await app.register(proxy, { upstream });
const url = await app.listen({ host: '127.0.0.1', port: 0 });

answerQuestions(
  {
    url: () => url,
    cpuSeconds,
  },
  () => app.close(),
);
