import { METHODS } from 'node:http';
import compress from '@fastify/compress';
import cors from '@fastify/cors';
import type { Contract } from '@queue-manager/contracts/contract';
import { isEventStream } from '@queue-manager/contracts/live';
import { backofficePath, guestPages } from '@queue-manager/contracts/pages';
import { publicContracts } from '@queue-manager/contracts/registry';
import { gatewayContracts } from '@queue-manager/contracts/service';
import type { VerifyAccessToken } from '@queue-manager/service-kit/access-tokens';
import { createApp } from '@queue-manager/service-kit/create-app';
import { requestIdHeader } from '@queue-manager/service-kit/internal-client';
import type { Logger } from '@queue-manager/service-kit/logging';
import { problems } from '@queue-manager/service-kit/problems';
import type { RedisClient } from '@queue-manager/service-kit/redis';
import { createMetrics } from '@queue-manager/service-kit/telemetry/metrics';
import type { FastifyInstance } from 'fastify';
import { compression } from './compression.ts';
import type { GatewayConfig } from './config.ts';
import { serveDocs, serveOpenApi } from './docs.ts';
import { createForward } from './forward.ts';
import { createForwardStream } from './forward-stream.ts';
import { servePages } from './pages.ts';
import { limitPipelining } from './pipelining.ts';
import { createRateLimits } from './rate-limits.ts';
import { readinessOf } from './readiness.ts';
import { securityHeaders } from './security-headers.ts';
import { createStreamLimits } from './stream-limits.ts';
import { addressesOf } from './upstream.ts';

type Deps = {
  config: GatewayConfig;
  logger: Logger;
  redis: RedisClient;
  verifyAccessToken: VerifyAccessToken;
};

const formTypes = ['application/x-www-form-urlencoded', 'multipart/form-data'];

/**
 * The only public entry point. Routes follow the contracts: each public contract is forwarded to its service. The pages
 * of the web apps are served from their builds, and every other URL is a 404.
 */
export async function createGateway(deps: Deps): Promise<FastifyInstance> {
  const { config, logger, redis, verifyAccessToken } = deps;
  const upstreams = {
    auth: [config.AUTH_SERVICE_URL],
    user: [config.USER_SERVICE_URL],
    queue: [config.QUEUE_SERVICE_URL],
    position: config.POSITION_SERVICE_URL,
    broker: config.BROKER_SERVICE_URL,
  };
  const metrics = createMetrics();
  const app = createApp({
    logger,
    metrics,
    internalCredential: config.INTERNAL_CREDENTIAL,
    timeoutMs: config.UPSTREAM_TIMEOUT_MS,
    traceRatio: config.OTEL_EXPORTER_OTLP_ENDPOINT === undefined ? 0 : config.TRACE_RATIO,
    trustedProxies: config.TRUSTED_PROXIES,
    readiness: readinessOf({ ...upstreams, mailer: config.MAILER_SERVICE_URL }),
  });
  Object.assign(app.server, {
    headersTimeout: config.CLIENT_TIMEOUT_MS,
    requestTimeout: config.CLIENT_TIMEOUT_MS,
    timeout: config.CLIENT_TIMEOUT_MS,
  });

  // Bodies are forwarded as raw bytes; the service validates them.
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body.length === 0 ? undefined : body),
  );

  const headers = await securityHeaders();
  app.addHook('onRequest', (request, reply, done) => {
    const { headers: received } = request.raw;
    const forwarded = received['x-forwarded-for'];
    if (forwarded !== undefined) received['x-forwarded-for'] = withoutPorts(String(forwarded));
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
      'if-none-match',
      'last-event-id',
      'traceparent',
      requestIdHeader,
    ],
    exposedHeaders: [
      'content-disposition',
      'etag',
      requestIdHeader,
      'retry-after',
      'ratelimit-limit',
      'ratelimit-remaining',
      'ratelimit-reset',
    ],
    maxAge: 600,
    // The same response to every OPTIONS request, also without preflight headers.
    strictPreflight: false,
  });
  limitPipelining(app);

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
      key: config.RATE_LIMIT_KEY_PER_MINUTE,
      account: config.RATE_LIMIT_ACCOUNT_PER_MINUTE,
      address: config.RATE_LIMIT_ADDRESS_PER_MINUTE,
    },
  });
  // Before compression: the build has compressed the pages, and the docs' scripts are a megabyte that would be compressed
  // for each caller.
  await servePages(app, {
    customer: config.CUSTOMER_APP_DIR,
    backoffice: config.BACKOFFICE_APP_DIR,
  });
  await serveDocs(app, limits.address.onRequest);
  await app.register(compress, compression);
  serveOpenApi(app, limits.address.onRequest);

  const timeoutMs = config.UPSTREAM_TIMEOUT_MS;
  const forward = await createForward(app, { upstreams: addressesOf(upstreams), timeoutMs });
  // Round robin of their own: otherwise a call before each stream would put all streams on one process.
  const forwardStream = createForwardStream(app, {
    upstreams: addressesOf(upstreams),
    timeoutMs,
    internalCredential: config.INTERNAL_CREDENTIAL,
    streamLimits: createStreamLimits({ logger, metrics, streamsMax: config.STREAMS_MAX }),
  });

  const addRoute = (to: FastifyInstance, contract: Contract) => {
    const isStream = isEventStream(contract);
    to.route({
      method: contract.method,
      url: contract.url,
      config: { isStream, waitMsMax: (contract.waitSecondsMax ?? 0) * 1_000 },
      ...(isStream ? { compress: false } : {}),
      ...limits[contract.rateLimit],
      handler: isStream ? forwardStream(contract) : forward(contract),
    });
  };
  for (const contract of publicContracts) {
    if (!contract.takesForms) addRoute(app, contract);
  }
  await app.register(async (forms) => {
    forms.addContentTypeParser(formTypes, { parseAs: 'buffer' }, (_request, _body, done) =>
      done(null, undefined),
    );
    for (const contract of publicContracts) {
      if (contract.takesForms) addRoute(forms, contract);
    }
  });
  refuseOtherMethods(app);

  app.addHook('onClose', () => redis.disconnect());
  return app;
}

/** Some proxies add the port to each address in `X-Forwarded-For`, which would make each connection another caller. */
function withoutPorts(forwarded: string): string {
  return forwarded
    .split(',')
    .map((address) => address.trim().replace(/^\[(.*)\](:\d+)?$|^([\d.]+):\d+$/, '$1$3'))
    .join(', ');
}

/** Responds with 405 and `Allow` to other methods of a known URL. */
function refuseOtherMethods(app: FastifyInstance): void {
  for (const method of METHODS) {
    if (!app.supportedMethods.includes(method)) app.addHttpMethod(method);
  }
  const methodsByUrl = new Map<string, string[]>(
    ['/openapi.json', ...Object.values(guestPages), backofficePath, `${backofficePath}/*`].map(
      (url) => [url, ['GET']],
    ),
  );
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
