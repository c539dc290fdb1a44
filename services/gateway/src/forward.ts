import type { Readable } from 'node:stream';
import replyFrom, { type FastifyReplyFromHooks } from '@fastify/reply-from';
import type { Contract } from '@queue-manager/contracts/contract';
import { isConnectError, isConnectionLost } from '@queue-manager/service-kit/addresses';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  connectTimeoutMs,
  type Forwarding,
  serviceAway,
  silenceMsMax,
  toCaller,
  toService,
  upstreamPath,
} from './upstream.ts';

type Hook<Name extends keyof FastifyReplyFromHooks> = NonNullable<FastifyReplyFromHooks[Name]>;

/** Makes the handler of a contract's route: it sends the call to the service that answers it. */
export type Forward = (
  contract: Contract,
) => (request: FastifyRequest, reply: FastifyReply) => FastifyReply;

/** Held in memory for as long as a service takes to send it. */
const shortBytesMax = 64 * 1_024;

/** Readies connections to the services. Answers stream through, whatever their length. */
export async function createForward(
  app: FastifyInstance,
  { upstreams, timeoutMs }: Forwarding,
): Promise<Forward> {
  await app.register(replyFrom, {
    disableRequestLogging: true,
    undici: {
      // More calls at once than this wait their turn. An idle connection is given up before the service
      // would close it (undici goes by the service's own Keep-Alive header), so that no call meets a dead one.
      connections: 128,
      pipelining: 1,
      headersTimeout: timeoutMs,
      bodyTimeout: silenceMsMax,
      // The plugin would otherwise trust any certificate.
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
        onResponse: sendAnswer,
        retryDelay,
        onError(_reply, { error }) {
          const { cause } = error;
          const isUnsent = isConnectError(cause);
          if (isUnsent) addresses.avoid(inOrder[tried] as string);
          tried += 1;
          const mayTryNext = isUnsent || (isConnectionLost(cause) && isRead(request));
          if (mayTryNext && tried < inOrder.length) send();
          else reply.send(serviceAway(error));
        },
        ...(body === undefined ? {} : { body, contentType: 'application/json' }),
      };
      const send = () => reply.from(path, hooks);
      return send();
    };
  };
}

/**
 * Sends an answer that states to be short at once when all of it is there: as a stream it took twice the time
 * of everything else in the gateway. Longer ones, and those of a length that is not known yet, flow.
 */
const sendAnswer: Hook<'onResponse'> = (request, reply, answer) => {
  // The plugin's types name something else.
  const { stream } = answer as unknown as { stream: Readable };
  const bytes = Number(reply.getHeader('content-length') ?? Number.NaN);
  if (!(bytes > 0 && bytes <= shortBytesMax) || request.method === 'HEAD') {
    reply.send(stream);
    return;
  }
  const pieces: Buffer[] = [];
  stream.on('data', (piece: Buffer) => pieces.push(piece));
  stream.on('end', () => reply.send(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces)));
  stream.on('error', (error: Error) => reply.send(serviceAway(error)));
};

/**
 * A read is tried once more when its connection broke before an answer came: a service that restarts does
 * that. Nothing else is repeated, also not a 503: the caller knows best, and has `Retry-After`.
 */
const retryDelay: Hook<'retryDelay'> = ({ err, req, attempt }) =>
  isConnectionLost(err) && isRead(req) && attempt === 0 ? 1 : null;

function isRead({ method }: { method: string }): boolean {
  return method === 'GET' || method === 'HEAD';
}
