import { AsyncLocalStorage } from 'node:async_hooks';
import type { Readable } from 'node:stream';
import replyFrom, {
  type FastifyReplyFromHooks,
  type FastifyReplyFromOptions,
} from '@fastify/reply-from';
import { type Contract, isRawBody, type ServiceName } from '@queue-manager/contracts/contract';
import { isConnectError, isConnectionLost } from '@queue-manager/service-kit/addresses';
import { remainingMs } from '@queue-manager/service-kit/limits/deadline';
import { createGate, createKeyedGate } from '@queue-manager/service-kit/limits/gate';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Agent, type Dispatcher } from 'undici';
import { addressOf } from './rate-limits.ts';
import {
  connectTimeoutMs,
  type Forwarding,
  serviceUnavailable,
  silenceMsMax,
  toCaller,
  toService,
  upstreamPath,
} from './upstream.ts';

type Hook<Name extends keyof FastifyReplyFromHooks> = NonNullable<FastifyReplyFromHooks[Name]>;

/** Makes the handler of a contract's route, which forwards the call to its service. */
type Forward = (
  contract: Contract,
) => (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

/** Connections to each process of a service: more than may wait for one busy line. */
const connectionsMax = 512;
/** Calls that wait for a connection to a service. */
const waitingMax = 2_000;
/**
 * Reads of one kind that a caller has under way in the queue service; the rest of a burst waits here, where it delays
 * nobody else. Moves have no such limit: behind one address may be many guests, and some of their lines busy.
 */
const readsOfCaller = { atOnce: 4, waitingMax: 1_000 };
/** Larger responses are streamed instead of buffered. */
const bufferedBytesMax = 64 * 1_024;

/** Sets up the connections to the services. */
export async function createForward(
  app: FastifyInstance,
  { upstreams, timeoutMs }: Forwarding,
): Promise<Forward> {
  // undici closes idle connections before the service does, by its Keep-Alive header, so that no call gets a dead
  // connection.
  const agent = new Agent({
    connections: connectionsMax,
    pipelining: 1,
    headersTimeout: timeoutMs,
    bodyTimeout: silenceMsMax,
    connect: { timeout: connectTimeoutMs },
  });
  /** Of the call that is being sent: the plugin has no option for it, and would log a warning about each abort. */
  const signals = new AsyncLocalStorage<AbortSignal | null>();
  const dispatcher = {
    request(call: Dispatcher.RequestOptions, callback: (...result: unknown[]) => void) {
      const signal = signals.getStore() ?? null;
      agent.request({ ...call, signal }, (...result) => {
        if (!signal?.aborted) callback(...result);
      });
    },
  } as NonNullable<FastifyReplyFromOptions['undici']>;
  await app.register(replyFrom, { disableRequestLogging: true, undici: dispatcher });

  const gateOf = (service: ServiceName) =>
    createGate({ atOnce: connectionsMax * upstreams[service].inOrder().length, waitingMax });
  const gates = {
    auth: gateOf('auth'),
    user: gateOf('user'),
    queue: gateOf('queue'),
    position: gateOf('position'),
    broker: gateOf('broker'),
  };

  return (contract) => {
    const pathOf = upstreamPath(contract.url);
    const addresses = upstreams[contract.service];
    const { usesRefreshCookie: usesCookie } = contract;
    const gate = gates[contract.service];
    // A download may pause for longer than the rest of its deadline.
    const hasDeadline = !isRawBody(contract.response);
    const isQueueRead = contract.service === 'queue' && contract.method === 'GET' && hasDeadline;
    const reads = isQueueRead ? createKeyedGate(readsOfCaller) : undefined;
    /** Calls `onEnd` when the connection to the service is free again. */
    const forward = (request: FastifyRequest, reply: FastifyReply, onEnd: () => void) => {
      const path = pathOf(request.params as Record<string, string>);
      const { body } = request;
      const { socket } = request.raw;
      const isRepeatable = mayRepeat(contract, request);
      /** Of a read, which ends when the client disconnects. A change goes on: it may be half done. */
      const read = contract.method === 'GET' ? new AbortController() : null;
      let abandon = () => {
        if (read === null) return;
        read.abort();
        drop();
      };
      // Not the response's own event: a response that waits behind another one on its connection has none.
      const onClose = () => abandon();
      socket.once('close', onClose);
      const end = () => {
        socket.off('close', onClose);
        onEnd();
      };
      let inOrder = addresses.inOrder();
      let tried = 0;
      const hooks: FastifyReplyFromHooks = {
        getUpstream: () => inOrder[tried] as string,
        rewriteRequestHeaders: (from, headers) => toService(from, headers, usesCookie),
        rewriteHeaders(headers) {
          // The plugin then discards the response, and calls nothing else.
          if (request.raw.aborted) end();
          return toCaller(headers, usesCookie);
        },
        onResponse(_request, _reply, response) {
          addresses.responded();
          const { stream } = response as unknown as { stream: Readable };
          abandon = () => void stream.destroy();
          stream.once('close', end);
          if (socket.destroyed) abandon();
          else sendResponse(request as never, reply as never, response);
        },
        retryDelay: ({ err, attempt }) =>
          isConnectionLost(err) && isRepeatable && attempt === 0 ? 1 : null,
        onError(_reply, { error }) {
          const { cause } = error;
          const isUnsent = isConnectError(cause);
          if (isUnsent) addresses.avoid(inOrder[tried] as string);
          tried += 1;
          const mayTryNext = isUnsent || (isConnectionLost(cause) && isRepeatable);
          if (mayTryNext && tried < inOrder.length) send();
          else if (isUnsent) void sendAfterRestart(error);
          else fail(error);
        },
        ...(body === undefined ? {} : { body, contentType: 'application/json' }),
      };
      const fail = (error: unknown) => {
        end();
        reply.send(serviceUnavailable(error));
      };
      const drop = () => {
        reply.hijack();
        end();
      };
      /** No process accepts connections, as while the only one restarts: nothing was sent, so any call may wait. */
      const sendAfterRestart = async (error: unknown) => {
        const isBack = await addresses.isBack(remainingMs() ?? timeoutMs);
        if (socket.destroyed) drop();
        else if (!isBack) fail(error);
        else {
          inOrder = addresses.inOrder();
          tried = 0;
          send();
        }
      };
      const send = () => {
        const ms = remainingMs();
        if (ms !== undefined && hasDeadline) hooks.timeout = Math.max(1, ms);
        signals.run(read?.signal ?? null, () => reply.from(path, hooks));
      };
      send();
    };
    return (request, reply) => {
      const forwardInTurn = () =>
        gate.run(async () => {
          if (request.raw.socket.destroyed) return reply.hijack();
          const { promise: ended, resolve: onEnd } = Promise.withResolvers<void>();
          forward(request, reply, onEnd);
          await ended;
          return reply;
        });
      if (reads === undefined) return forwardInTurn();
      return reads.run(request.claims?.sub ?? addressOf(request) ?? '', forwardInTurn);
    };
  };
}

/**
 * Buffers short responses: streaming them took twice the time of everything else in the gateway. Streams longer ones
 * and those of unknown length.
 */
const sendResponse: Hook<'onResponse'> = (request, reply, response) => {
  // The plugin's types name something else.
  const { stream } = response as unknown as { stream: Readable };
  const bytes = Number(reply.getHeader('content-length') ?? Number.NaN);
  if (!(bytes > 0 && bytes <= bufferedBytesMax) || request.method === 'HEAD') {
    reply.send(stream);
    return;
  }
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('end', () => reply.send(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
  stream.on('error', (error: Error) => reply.send(serviceUnavailable(error)));
};

/**
 * Whether a call may be sent once more when its connection was lost before the response, as when a service restarts: it
 * may have been handled. Not even a 503 is repeated: the client has `Retry-After`.
 */
function mayRepeat({ service }: Contract, { method, headers }: FastifyRequest): boolean {
  if (method === 'GET' || method === 'HEAD') return true;
  // The auth service ignores the key.
  return method === 'POST' && headers['idempotency-key'] !== undefined && service !== 'auth';
}
