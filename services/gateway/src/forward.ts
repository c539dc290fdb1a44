import type { Readable } from 'node:stream';
import replyFrom, { type FastifyReplyFromHooks } from '@fastify/reply-from';
import type { Contract } from '@queue-manager/contracts/contract';
import { isConnectError, isConnectionLost } from '@queue-manager/service-kit/addresses';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
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
) => (request: FastifyRequest, reply: FastifyReply) => FastifyReply;

/** Larger responses are streamed instead of buffered. */
const bufferedBytesMax = 64 * 1_024;

/** Sets up the connections to the services. */
export async function createForward(
  app: FastifyInstance,
  { upstreams, timeoutMs }: Forwarding,
): Promise<Forward> {
  await app.register(replyFrom, {
    disableRequestLogging: true,
    undici: {
      // Further calls wait in undici's queue. undici closes idle connections before the service does, by its
      // Keep-Alive header, so that no call gets a dead connection.
      connections: 128,
      pipelining: 1,
      headersTimeout: timeoutMs,
      bodyTimeout: silenceMsMax,
      // The plugin accepts any certificate by default.
      connect: { timeout: connectTimeoutMs, rejectUnauthorized: true },
    },
  });

  return (contract) => {
    const pathOf = upstreamPath(contract.url);
    const addresses = upstreams[contract.service];
    return (request, reply) => {
      const path = pathOf(request.params as Record<string, string>);
      const { body } = request;
      const inOrder = addresses.inOrder();
      let tried = 0;
      const hooks: FastifyReplyFromHooks = {
        getUpstream: () => inOrder[tried] as string,
        rewriteRequestHeaders: toService,
        rewriteHeaders: toCaller,
        onResponse: sendResponse,
        retryDelay,
        onError(_reply, { error }) {
          const { cause } = error;
          const isUnsent = isConnectError(cause);
          if (isUnsent) addresses.avoid(inOrder[tried] as string);
          tried += 1;
          const mayTryNext = isUnsent || (isConnectionLost(cause) && isRead(request));
          if (mayTryNext && tried < inOrder.length) send();
          else reply.send(serviceUnavailable(error));
        },
        ...(body === undefined ? {} : { body, contentType: 'application/json' }),
      };
      const send = () => reply.from(path, hooks);
      return send();
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
 * Repeats a read once when its connection was lost before the response, as when a service restarts. Nothing else is
 * repeated, not even a 503: the client has `Retry-After`.
 */
const retryDelay: Hook<'retryDelay'> = ({ err, req, attempt }) =>
  isConnectionLost(err) && isRead(req) && attempt === 0 ? 1 : null;

function isRead({ method }: { method: string }): boolean {
  return method === 'GET' || method === 'HEAD';
}
