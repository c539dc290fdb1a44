import type { IncomingHttpHeaders } from 'node:http';
import type { ServiceName } from '@queue-manager/contracts/contract';
import { type Addresses, createAddresses } from '@queue-manager/service-kit/addresses';
import { requestIdHeader } from '@queue-manager/service-kit/internal-client';
import { problems } from '@queue-manager/service-kit/problems';
import { wellFormedContext } from '@queue-manager/service-kit/request-context';
import type { FastifyRequest } from 'fastify';

/** What calls and streams to the services have in common. */
export type Forwarding = {
  upstreams: Record<ServiceName, Addresses>;
  /** How long a service may take until it begins to answer. */
  timeoutMs: number;
};

export function addressesOf(urls: Record<ServiceName, readonly string[]>): Forwarding['upstreams'] {
  const { auth, user, queue, position } = urls;
  return {
    auth: createAddresses(auth),
    user: createAddresses(user),
    queue: createAddresses(queue),
    position: createAddresses(position),
  };
}

/** Silence in the middle of an answer that ends it; live streams send something every 15 s. */
export const silenceMsMax = 60_000;
export const connectTimeoutMs = 2_000;

/** The service is away, too slow, or broke off before it answered. */
export const serviceAway = (cause: unknown) =>
  problems.unavailable({ cause, retryAfterSeconds: 1 });

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

/**
 * The address at the service, built from the contract's pattern rather than from the caller's address:
 * whatever a parameter holds, it cannot lead to another route. Throws `not-found` for a parameter that an
 * address could take for steps between folders; no id, ticket or join code looks like that.
 */
export function upstreamPath(pattern: string): (params: Record<string, string>) => string {
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

/** The headers of a call to a service, made of those that the caller gave. */
export function toService(
  request: Pick<FastifyRequest, 'id' | 'ip' | 'protocol' | 'host' | 'body'>,
  given: IncomingHttpHeaders,
): IncomingHttpHeaders {
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
}

/** The headers of a service's answer, as far as they are for the caller. */
export function toCaller(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  for (const name of hopByHopHeaders) delete headers[name];
  return headers;
}
