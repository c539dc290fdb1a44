import type { IncomingHttpHeaders } from 'node:http';
import replyFrom, { type FastifyReplyFromHooks } from '@fastify/reply-from';
import type { Contract, ServiceName } from '@queue-manager/contracts/contract';
import { requestIdHeader } from '@queue-manager/service-kit/internal-client';
import { problems } from '@queue-manager/service-kit/problems';
import { wellFormedContext } from '@queue-manager/service-kit/request-context';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

type Hook<Name extends keyof FastifyReplyFromHooks> = NonNullable<FastifyReplyFromHooks[Name]>;

/** Makes the handler of a contract's route: it sends the call to the service that answers it. */
export type Forward = (
  contract: Contract,
) => (request: FastifyRequest, reply: FastifyReply) => FastifyReply;

/**
 * What a service gets to see of a caller's headers. Everything else stays outside: credentials between
 * services, forwarded headers, and whatever concerns one connection only.
 */
const passedRequestHeaders = [
  'accept',
  'accept-language',
  'authorization',
  'cache-control',
  'content-type',
  'idempotency-key',
  'if-none-match',
  'last-event-id',
  'user-agent',
] as const;

/** Headers of an answer that concern the connection between gateway and service (RFC 9110 section 7.6.1). */
const hopByHopHeaders = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
] as const;

/** Silence in the middle of an answer that ends it; live streams send something every 15 s. */
const silenceMsMax = 60_000;

const retryAfterSeconds = 1;

/** Readies connections to the services. Answers stream through, whatever their length. */
export async function createForward(
  app: FastifyInstance,
  options: { upstreams: Record<ServiceName, string>; timeoutMs: number },
): Promise<Forward> {
  await app.register(replyFrom, {
    disableRequestLogging: true,
    undici: {
      // More calls at once than this wait their turn. An idle connection is given up before the service
      // would close it (undici goes by the service's own Keep-Alive header), so that no call meets a dead one.
      connections: 128,
      pipelining: 1,
      headersTimeout: options.timeoutMs,
      bodyTimeout: silenceMsMax,
      // The plugin would otherwise trust any certificate.
      connect: { timeout: 2_000, rejectUnauthorized: true },
    },
  });

  return (contract) => {
    const pathOf = upstreamPath(contract.url);
    const upstream = options.upstreams[contract.service];
    const hooks: FastifyReplyFromHooks = {
      getUpstream: () => upstream,
      rewriteRequestHeaders,
      rewriteHeaders,
      onError,
      retryDelay,
    };
    return (request, reply) => {
      const path = pathOf(request.params as Record<string, string>);
      const { body } = request;
      return body === undefined
        ? reply.from(path, hooks)
        : reply.from(path, { ...hooks, body, contentType: 'application/json' });
    };
  };
}

/**
 * The address at the service, built from the contract's pattern rather than from the caller's address:
 * whatever a parameter holds, it cannot lead to another route. Throws `not-found` for a parameter that an
 * address could take for steps between folders; no id, ticket or join code looks like that.
 */
function upstreamPath(pattern: string): (params: Record<string, string>) => string {
  const segments = pattern.split('/');
  return (params) =>
    segments
      .map((segment) => {
        if (!segment.startsWith(':')) return segment;
        const value = params[segment.slice(1)] as string;
        if (/^\.|\.$|[/\\]/.test(value)) throw problems.notFound();
        return encodeURIComponent(value);
      })
      .join('/');
}

const rewriteRequestHeaders: Hook<'rewriteRequestHeaders'> = (request, given) => {
  const headers: IncomingHttpHeaders = {
    [requestIdHeader]: request.id,
    'x-forwarded-for': request.ip,
    'x-forwarded-proto': request.protocol,
    'x-forwarded-host': request.host,
    ...wellFormedContext({ traceparent: given.traceparent }),
  };
  for (const name of passedRequestHeaders) {
    if (given[name] !== undefined) headers[name] = String(given[name]);
  }
  // A body of GET or DELETE is not read, so nothing may announce it.
  if (request.body === undefined) delete headers['content-type'];
  return headers;
};

const rewriteHeaders: Hook<'rewriteHeaders'> = (headers) => {
  for (const name of hopByHopHeaders) delete headers[name];
  return headers;
};

/** The service is away, too slow, or broke off before it answered. */
const onError: Hook<'onError'> = (reply, { error }) => {
  reply.send(problems.unavailable({ cause: error, retryAfterSeconds }));
};

/**
 * A read is tried once more when its connection broke before an answer came: a service that restarts does
 * that. Nothing else is repeated, also not a 503: the caller knows best, and has `Retry-After`.
 */
const retryDelay: Hook<'retryDelay'> = ({ err, req, attempt }) => {
  const code = (err as { code?: unknown } | null)?.code;
  const isBroken = code === 'UND_ERR_SOCKET' || code === 'ECONNRESET';
  const isRead = req.method === 'GET' || req.method === 'HEAD';
  return isBroken && isRead && attempt === 0 ? 1 : null;
};
