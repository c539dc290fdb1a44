import cors from '@fastify/cors';
import { isEventStream } from '@queue-manager/contracts/live';
import { publicContracts } from '@queue-manager/contracts/registry';
import { gatewayContracts } from '@queue-manager/contracts/service';
import type { VerifyAccessToken } from '@queue-manager/service-kit/access-tokens';
import { createApp } from '@queue-manager/service-kit/create-app';
import { requestIdHeader } from '@queue-manager/service-kit/internal-client';
import type { Logger } from '@queue-manager/service-kit/logging';
import { problems } from '@queue-manager/service-kit/problems';
import type { RedisClient } from '@queue-manager/service-kit/redis';
import type { FastifyInstance } from 'fastify';
import type { GatewayConfig } from './config.ts';
import { serveDocs } from './docs.ts';
import { createForward } from './forward.ts';
import { createForwardStream } from './forward-stream.ts';
import { createRateLimits } from './rate-limits.ts';
import { readinessOf } from './readiness.ts';
import { securityHeaders } from './security-headers.ts';
import { addressesOf } from './upstream.ts';

export type Deps = {
  config: GatewayConfig;
  logger: Logger;
  redis: RedisClient;
  verifyAccessToken: VerifyAccessToken;
};

/** A caller has this long to send a whole request. */
const requestTimeoutMs = 30_000;

/**
 * The only public door. It routes by contract: each public contract is a route to the service that answers
 * it, and nothing else leads anywhere.
 */
export async function createGateway(deps: Deps): Promise<FastifyInstance> {
  const { config, logger, redis, verifyAccessToken } = deps;
  const upstreams = {
    auth: [config.AUTH_SERVICE_URL],
    user: [config.USER_SERVICE_URL],
    queue: [config.QUEUE_SERVICE_URL],
    position: config.POSITION_SERVICE_URL,
  };
  const app = createApp({
    logger,
    internalCredential: config.INTERNAL_CREDENTIAL,
    trustedProxies: config.TRUSTED_PROXIES,
    readiness: readinessOf({ ...upstreams, mailer: config.MAILER_SERVICE_URL }),
  });
  app.server.requestTimeout = requestTimeoutMs;

  // Bodies pass through as the bytes they are; the service judges them.
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body.length === 0 ? undefined : body),
  );

  const headers = await securityHeaders();
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(headers);
    done();
  });
  await app.register(cors, {
    origin: config.CORS_ORIGINS,
    methods: ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'],
    allowedHeaders: [
      'authorization',
      'content-type',
      'idempotency-key',
      'last-event-id',
      requestIdHeader,
    ],
    exposedHeaders: [
      requestIdHeader,
      'retry-after',
      'ratelimit-limit',
      'ratelimit-remaining',
      'ratelimit-reset',
    ],
    maxAge: 600,
    // Every OPTIONS gets the same answer, whether a browser asked or a person.
    strictPreflight: false,
  });

  const limits = await createRateLimits(app, {
    redis,
    verifyAccessToken,
    secret: config.INTERNAL_CREDENTIAL,
    perMinute: {
      credentials: config.RATE_LIMIT_CREDENTIALS_PER_MINUTE,
      credentialsAddress: config.RATE_LIMIT_CREDENTIALS_ADDRESS_PER_MINUTE,
      join: config.RATE_LIMIT_JOIN_PER_MINUTE,
      ticket: config.RATE_LIMIT_TICKET_PER_MINUTE,
      ticketAddress: config.RATE_LIMIT_TICKET_ADDRESS_PER_MINUTE,
      account: config.RATE_LIMIT_ACCOUNT_PER_MINUTE,
      address: config.RATE_LIMIT_ADDRESS_PER_MINUTE,
    },
  });
  const timeoutMs = config.UPSTREAM_TIMEOUT_MS;
  const forward = await createForward(app, { upstreams: addressesOf(upstreams), timeoutMs });
  // Their turns are their own: a call before each stream would send all streams to the same process.
  const forwardStream = createForwardStream(app, {
    upstreams: addressesOf(upstreams),
    timeoutMs,
    internalCredential: config.INTERNAL_CREDENTIAL,
  });

  for (const contract of publicContracts) {
    const isStream = isEventStream(contract);
    app.route({
      method: contract.method,
      url: contract.url,
      config: { isStream },
      ...limits[contract.rateLimit],
      handler: isStream ? forwardStream(contract) : forward(contract),
    });
  }
  await serveDocs(app, limits.address.onRequest);
  refuseOtherMethods(app);

  app.addHook('onClose', () => redis.disconnect());
  return app;
}

/** A known address asked with a method it does not have is told which it has. */
function refuseOtherMethods(app: FastifyInstance): void {
  const methodsByUrl = new Map<string, string[]>([['/openapi.json', ['GET']]]);
  for (const { url, method } of [...publicContracts, ...gatewayContracts]) {
    methodsByUrl.set(url, [...(methodsByUrl.get(url) ?? []), method]);
  }
  for (const [url, methods] of methodsByUrl) {
    const allowed = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'];
    app.route({
      method: app.supportedMethods.filter((method) => !allowed.includes(method)),
      url,
      onRequest: async (_request, reply) => {
        reply.header('allow', allowed.join(', '));
        throw problems.methodNotAllowed({ detail: `This route supports ${allowed.join(', ')}.` });
      },
      handler: () => undefined,
    });
  }
}
