import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { type ClientHttp2Stream, constants } from 'node:http2';
import { setTimeout as delay } from 'node:timers/promises';
import type { Contract } from '@queue-manager/contracts/contract';
import { liveBoard } from '@queue-manager/contracts/live';
import { type Addresses, isConnectError } from '@queue-manager/service-kit/addresses';
import { backoffMs } from '@queue-manager/service-kit/backoff';
import { createSharedConnections } from '@queue-manager/service-kit/shared-connections';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { addressOf } from './rate-limits.ts';
import type { StreamLimits } from './stream-limits.ts';
import {
  connectTimeoutMs,
  type Forwarding,
  serviceUnavailable,
  toCaller,
  toService,
  upstreamPath,
} from './upstream.ts';

/** Makes the handler of a stream's route, which opens the stream at its service. */
type ForwardStream = (
  contract: Contract,
) => (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

/** Maximum pause between attempts to open a stream that no process can serve at the moment. */
const pauseMsMax = 2_000;

/** A request to a service to open a stream. */
type Opening = {
  from: FastifyRequest;
  path: string;
  /** The current attempt. */
  attempt?: ClientHttp2Stream;
  /** The client has disconnected. */
  isAborted: boolean;
};

/** The beginning of a service's response. */
type Upstream = { status: number; headers: IncomingHttpHeaders; body: ClientHttp2Stream };

/**
 * Forwards event streams, each chunk at once, with backpressure. All streams share one connection per process of a
 * service, so that neither streams nor calls wait for a connection.
 */
export function createForwardStream(
  app: FastifyInstance,
  {
    upstreams,
    timeoutMs,
    internalCredential,
    streamLimits,
  }: Forwarding & { internalCredential: string; streamLimits: StreamLimits },
): ForwardStream {
  const connections = createSharedConnections({ internalCredential, connectTimeoutMs });
  const openStreams = new Map<ServerResponse, ClientHttp2Stream>();
  let isStopping = false;
  // Open streams would keep the gateway from stopping. Clients reconnect elsewhere.
  app.addHook('preClose', async () => {
    isStopping = true;
    for (const [caller, body] of openStreams) end(caller, body);
  });
  app.addHook('onClose', async () => connections.close());

  /** Resolves with the beginning of the response; throws the error of the connection. */
  async function request(address: string, opening: Opening): Promise<Upstream> {
    const { from, path } = opening;
    const connection = await connections.to(address);
    const body = connection.request({
      ':method': from.method,
      ':path': path,
      ...toService(from, from.headers),
    });
    opening.attempt = body;
    if (opening.isAborted) cancel(body);
    const { promise, resolve, reject } = Promise.withResolvers<Upstream>();
    body.setTimeout(timeoutMs, () =>
      body.destroy(new Error('The service sent no response in time')),
    );
    body.on('error', reject);
    body.on('close', () => reject(new Error('The service closed the stream without a response')));
    body.on('response', ({ ':status': status = 502, ...headers }) => {
      body.setTimeout(0);
      resolve({ status, headers, body });
    });
    return promise;
  }

  /**
   * Retries within the response timeout until a process responds: a browser reconnects after a broken stream, but
   * never after a refused one. Returns null when the client has disconnected.
   */
  async function open(addresses: Addresses, opening: Opening): Promise<Upstream | null> {
    const deadline = performance.now() + timeoutMs;
    for (let attempt = 1; ; attempt += 1) {
      const pauseMs = backoffMs(attempt, { maxMs: pauseMsMax });
      let reason: unknown;
      const isLast = () => isStopping || performance.now() + pauseMs > deadline;
      for (const address of addresses.inOrder()) {
        try {
          const upstream = await request(address, opening);
          if (upstream.status !== 503 || isLast()) return upstream;
          cancel(upstream.body);
        } catch (error) {
          reason = error;
          if (isConnectError(error)) addresses.avoid(address);
        }
        if (opening.isAborted) return null;
      }
      if (isLast()) throw serviceUnavailable(reason);
      await delay(pauseMs);
      if (opening.isAborted) return null;
    }
  }

  return (contract) => {
    const pathOf = upstreamPath(contract.url);
    const addresses = upstreams[contract.service];

    return async (request, reply) => {
      const caller = reply.raw;
      const query = /\?.*$/.exec(request.raw.url ?? '')?.[0] ?? '';
      const path = pathOf(request.params as Record<string, string>) + query;
      // The client may disconnect while the request is being authorised.
      const opening: Opening = { from: request, path, isAborted: request.raw.socket.destroyed };
      if (opening.isAborted) return reply.hijack();
      const board = contract.operationId === liveBoard.operationId ? path : null;
      const uncount = streamLimits.open({ address: addressOf(request) ?? '', board });
      const { socket } = request.raw;
      const onClose = () => {
        caller.off('close', onClose);
        socket.off('close', onClose);
        uncount();
        opening.isAborted = true;
        if (opening.attempt !== undefined) cancel(opening.attempt);
        openStreams.delete(caller);
      };
      caller.once('close', onClose);
      // A response that waits behind another one on its connection has no event of its own.
      socket.once('close', onClose);

      const upstream = await open(addresses, opening);
      if (upstream === null || opening.isAborted) return reply.hijack();
      const { status, body } = upstream;
      const headers = toCaller(upstream.headers);
      if (status !== contract.status) {
        return reply.code(status).headers(headers).send(body);
      }

      reply.hijack();
      openStreams.set(caller, body);
      // The connection ends with the stream, so chunks need no framing.
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

/** Writes chunks to the socket directly, past the response. Not a pipe, which takes a few KB per stream. */
function pass(body: ClientHttp2Stream, caller: ServerResponse): void {
  const connection = caller.socket ?? caller;
  body.on('data', (chunk) => {
    if (connection.write(chunk)) return;
    body.pause();
    connection.once('drain', () => body.resume());
  });
  body.on('end', () => caller.end());
  // The stream is over, with or without an error.
  body.on('close', () => {
    if (!caller.writableEnded) caller.destroy();
  });
}

/** Tells the service that its response is no longer needed. */
function cancel(body: ClientHttp2Stream): void {
  if (!body.closed) body.close(constants.NGHTTP2_CANCEL);
}

/** Ends a stream. Destroys the connection when the client does not read, since that would never end. */
function end(caller: ServerResponse, body: ClientHttp2Stream): void {
  // Chunks in flight must not be written after the end.
  body.removeAllListeners('data');
  cancel(body);
  if (caller.socket?.writableNeedDrain === true) caller.destroy();
  else caller.end();
}
