import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { type ClientHttp2Stream, constants } from 'node:http2';
import { setTimeout as delay } from 'node:timers/promises';
import type { Contract } from '@queue-manager/contracts/contract';
import { type Addresses, isConnectError } from '@queue-manager/service-kit/addresses';
import { backoffMs } from '@queue-manager/service-kit/backoff';
import { createSharedConnections } from '@queue-manager/service-kit/shared-connections';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  connectTimeoutMs,
  type Forwarding,
  serviceAway,
  toCaller,
  toService,
  upstreamPath,
} from './upstream.ts';

/** Makes the handler of a stream's route: it opens the stream at the service that answers it. */
export type ForwardStream = (
  contract: Contract,
) => (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

/** Between two attempts to open a stream that no process can serve at the moment. */
const pauseMsMax = 2_000;

/** A call to a service that is to become a stream. */
type Opening = {
  from: FastifyRequest;
  path: string;
  /** The attempt of the moment. */
  attempt?: ClientHttp2Stream;
  /** The caller has gone. */
  isOver: boolean;
};

/** What a service began to answer. */
type Answer = { status: number; headers: IncomingHttpHeaders; body: ClientHttp2Stream };

/**
 * Passes streams of events through: each piece at once, for as long as both sides stay, at the pace of whoever
 * reads. They share a connection to each process of the service, so that neither streams nor calls wait for one.
 */
export function createForwardStream(
  app: FastifyInstance,
  { upstreams, timeoutMs, internalCredential }: Forwarding & { internalCredential: string },
): ForwardStream {
  const connections = createSharedConnections({ internalCredential, connectTimeoutMs });
  const flowing = new Map<ServerResponse, ClientHttp2Stream>();
  let isStopping = false;
  // A stream would keep the gateway from stopping; its client opens another one elsewhere.
  app.addHook('preClose', async () => {
    isStopping = true;
    for (const [caller, body] of flowing) end(caller, body);
  });
  app.addHook('onClose', async () => connections.close());

  /** Resolves when the service begins to answer; throws what the connection threw. */
  async function ask(address: string, opening: Opening): Promise<Answer> {
    const { from, path } = opening;
    const connection = await connections.to(address);
    const body = connection.request({
      ':method': from.method,
      ':path': path,
      ...toService(from, from.headers),
    });
    opening.attempt = body;
    if (opening.isOver) leave(body);
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    body.setTimeout(timeoutMs, () => body.destroy(new Error('The service is silent')));
    body.on('error', reject);
    body.on('close', () => reject(new Error('The service did not answer')));
    body.on('response', ({ ':status': status = 502, ...headers }) => {
      body.setTimeout(0);
      resolve({ status, headers, body });
    });
    return promise;
  }

  /**
   * Asks until somebody can answer, for as long as a service may take to: a browser opens a stream that broke
   * again by itself, but gives one up for good that was refused. Null when the caller did not wait.
   */
  async function open(addresses: Addresses, opening: Opening): Promise<Answer | null> {
    const asksEnd = performance.now() + timeoutMs;
    for (let attempt = 1; ; attempt += 1) {
      const pauseMs = backoffMs(attempt, { maxMs: pauseMsMax });
      let reason: unknown;
      const isLast = () => isStopping || performance.now() + pauseMs > asksEnd;
      for (const address of addresses.inOrder()) {
        try {
          const answer = await ask(address, opening);
          if (answer.status !== 503 || isLast()) return answer;
          leave(answer.body);
        } catch (error) {
          reason = error;
          if (isConnectError(error)) addresses.avoid(address);
        }
        if (opening.isOver) return null;
      }
      if (isLast()) throw serviceAway(reason);
      await delay(pauseMs);
      if (opening.isOver) return null;
    }
  }

  return (contract) => {
    const pathOf = upstreamPath(contract.url);
    const addresses = upstreams[contract.service];

    return async (request, reply) => {
      const caller = reply.raw;
      const query = /\?.*$/.exec(request.raw.url ?? '')?.[0] ?? '';
      const path = pathOf(request.params as Record<string, string>) + query;
      // A caller may go while it is decided whether to let it in.
      const opening: Opening = { from: request, path, isOver: request.raw.socket.destroyed };
      if (opening.isOver) return reply.hijack();
      caller.on('close', () => {
        opening.isOver = true;
        if (opening.attempt !== undefined) leave(opening.attempt);
        flowing.delete(caller);
      });

      const answer = await open(addresses, opening);
      if (answer === null || opening.isOver) return reply.hijack();
      const { status, body } = answer;
      const headers = toCaller(answer.headers);
      if (status !== contract.status) {
        return reply.code(status).headers(headers).send(body);
      }

      reply.hijack();
      flowing.set(caller, body);
      // Its connection ends with the stream, so that pieces need no frames, and nothing is left to wait for.
      caller.shouldKeepAlive = false;
      caller.removeHeader('transfer-encoding');
      caller.writeHead(status, {
        ...(reply.getHeaders() as OutgoingHttpHeaders),
        ...headers,
      });
      caller.flushHeaders();
      pass(body, caller);
      if (isStopping) end(caller, body);
      return reply;
    };
  };
}

/** Each piece goes past the response, which would look at it again. Not a pipe: that is a few KB a stream. */
function pass(body: ClientHttp2Stream, caller: ServerResponse): void {
  const connection = caller.socket ?? caller;
  body.on('data', (piece) => {
    if (connection.write(piece)) return;
    body.pause();
    connection.once('drain', () => body.resume());
  });
  body.on('end', () => caller.end());
  // Whether it ended well or not, there is nothing to come.
  body.on('close', () => {
    if (!caller.writableEnded) caller.destroy();
  });
}

/** Tells the service that nobody waits for an answer any more. */
function leave(body: ClientHttp2Stream): void {
  if (!body.closed) body.close(constants.NGHTTP2_CANCEL);
}

/** Ends a stream; one whose reader does not take what was written already would never end by itself. */
function end(caller: ServerResponse, body: ClientHttp2Stream): void {
  // What is still on its way would be written behind the end.
  body.removeAllListeners('data');
  leave(body);
  if (caller.socket?.writableNeedDrain === true) caller.destroy();
  else caller.end();
}
