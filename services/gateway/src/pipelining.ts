import type { Socket } from 'node:net';
import { problems } from '@queue-manager/service-kit/problems';
import type { FastifyInstance } from 'fastify';

/** Requests on a connection before the first is answered. Browsers and HTTP libraries send one. */
export const pipelinedMax = 16;

/**
 * Refuses what a client pipelines beyond a limit, and closes the connection. Node starts all the requests that it has
 * received, so that a few kilobytes could start hundreds at once.
 */
export function limitPipelining(app: FastifyInstance): void {
  const underWay = new WeakMap<Socket, number>();
  const countOf = (socket: Socket) => underWay.get(socket) ?? 0;
  app.addHook('onRequest', (request, reply, done) => {
    const { socket } = request.raw;
    underWay.set(socket, countOf(socket) + 1);
    reply.raw.once('close', () => underWay.set(socket, countOf(socket) - 1));
    if (countOf(socket) <= pipelinedMax) return done();
    reply.header('connection', 'close');
    throw problems.tooManyRequests({
      detail: `A connection can have ${pipelinedMax} requests under way. Please wait for their responses.`,
      retryAfterSeconds: 1,
    });
  });
}
