/** The baseline of the gateway: Fastify's own proxy in front of the bare route, with nothing around it. */
import proxy from '@fastify/http-proxy';
import { answerQuestions, workerOptions } from '@queue-manager/queue/bench/worker';
import { fastify } from 'fastify';

const { upstream } = workerOptions<{ upstream: string }>();

const app = fastify({ routerOptions: { maxParamLength: 512 } });
await app.register(proxy, { upstream });
const url = await app.listen({ host: '127.0.0.1', port: 0 });

answerQuestions(
  {
    url: () => url,
    cpuSeconds: () => process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6,
  },
  () => app.close(),
);
