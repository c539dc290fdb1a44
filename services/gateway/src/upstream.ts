import type { IncomingHttpHeaders } from 'node:http';
import type { ServiceName } from '@queue-manager/contracts/contract';
import { type Addresses, createAddresses } from '@queue-manager/service-kit/addresses';
import { requestIdHeader } from '@queue-manager/service-kit/internal-client';
import { deadlineHeader, remainingMs } from '@queue-manager/service-kit/limits/deadline';
import { problems } from '@queue-manager/service-kit/problems';
import { currentContext } from '@queue-manager/service-kit/trace-context';
import type { FastifyRequest } from 'fastify';

/** Common options of forwarding calls and streams. */
export type Forwarding = {
  upstreams: Record<ServiceName, Addresses>;
  /** How long a service may take to begin its response. */
  timeoutMs: number;
};

export function addressesOf(urls: Record<ServiceName, readonly string[]>): Forwarding['upstreams'] {
  const services = Object.entries(urls).map(([name, ofService]) => [
    name,
    createAddresses(ofService),
  ]);
  return Object.fromEntries(services) as Forwarding['upstreams'];
}

/** Maximum pause within a response; live streams send something every 15 s. */
export const silenceMsMax = 60_000;
export const connectTimeoutMs = 2_000;

/** The service is down or too slow, or broke off its response. */
export const serviceUnavailable = (cause: unknown) =>
  problems.unavailable({ cause, retryAfterSeconds: 1 });

/**
 * The client's headers that are forwarded to services. All others are dropped, such as internal credentials,
 * `X-Forwarded-*` and hop-by-hop headers.
 */
const forwardedHeaders = [
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

/** Headers that are forwarded, too, where a route uses the refresh cookie: they say which page sent it. */
const cookieHeaders = ['cookie', 'origin', 'sec-fetch-site'] as const;

/** Response headers for the connection between gateway and service only (RFC 9110 section 7.6.1). */
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
 * Builds the path at the service from the contract's pattern, not from the client's URL, so that no parameter leads
 * to another route. Throws `not-found` for a parameter with dots at its ends or slashes, which could be read as path
 * segments; no id, ticket or join code has any.
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

/** What is left for the way back: a service that is in time by its own deadline is in time by the gateway's. */
const responseMs = (ms: number) => Math.min(1_000, ms / 10);

/** The headers of a call to a service. */
export function toService(
  request: Pick<FastifyRequest, 'id' | 'ip' | 'protocol' | 'host' | 'body'>,
  received: IncomingHttpHeaders,
  usesCookie = false,
): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = {
    [requestIdHeader]: request.id,
    'x-forwarded-for': request.ip,
    'x-forwarded-proto': request.protocol,
    'x-forwarded-host': request.host,
  };
  const { traceparent } = currentContext() ?? {};
  if (traceparent !== undefined) headers.traceparent = traceparent;
  const ms = remainingMs();
  if (ms !== undefined) {
    headers[deadlineHeader] = String(Math.max(0, Math.floor(ms - responseMs(ms))));
  }
  for (const name of usesCookie ? [...forwardedHeaders, ...cookieHeaders] : forwardedHeaders) {
    if (received[name] !== undefined) headers[name] = String(received[name]);
  }
  // Bodies of GET and DELETE are not forwarded, so neither is their type.
  if (request.body === undefined) delete headers['content-type'];
  return headers;
}

/** The headers of a service's response without hop-by-hop headers, and without cookies on routes that use none. */
export function toCaller(headers: IncomingHttpHeaders, usesCookie = false): IncomingHttpHeaders {
  for (const name of hopByHopHeaders) delete headers[name];
  if (!usesCookie) delete headers['set-cookie'];
  return headers;
}
