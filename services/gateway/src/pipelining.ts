import { EventEmitter } from 'node:events';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { problems } from '@queue-manager/service-kit/problems';
import type { FastifyInstance } from 'fastify';

/** Requests on a connection before the first is answered. Browsers and HTTP libraries send one. */
export const pipelinedMax = 16;

/**
 * Refuses what a client pipelines beyond a limit, and closes the connection. Node starts all the requests that it has
 * received, so that a few kilobytes could start hundreds at once: those after the refused one get no response, and cost
 * no more than their parsing.
 */
export function limitPipelining(app: FastifyInstance): void {
  const underWay = new WeakMap<Socket, number>();
  const refused = new WeakSet<Socket>();
  const countOf = (socket: Socket) => underWay.get(socket) ?? 0;

  const [handle] = app.server.listeners('request') as [RequestListener];
  app.server.removeListener('request', handle);
  app.server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    if (refused.has(socket)) return;
    // Each of its requests listens to the connection.
    if (!underWay.has(socket))
      socket.setMaxListeners(EventEmitter.defaultMaxListeners + pipelinedMax);
    if (countOf(socket) >= pipelinedMax) refused.add(socket);
    underWay.set(socket, countOf(socket) + 1);
    response.once('close', () => underWay.set(socket, countOf(socket) - 1));
    handle(request, response);
  });
  app.addHook('onRequest', (request, reply, done) => {
    if (!refused.has(request.raw.socket)) return done();
    reply.header('connection', 'close');
    throw problems.tooManyRequests({
      detail: `A connection can have ${pipelinedMax} requests under way. Please wait for their responses.`,
      retryAfterSeconds: 1,
    });
  });
}
