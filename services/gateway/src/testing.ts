import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import {
  accessTokenType,
  createAccessTokenVerifier,
} from '@queue-manager/service-kit/access-tokens';
import { systemClock } from '@queue-manager/service-kit/clock';
import { readConfig } from '@queue-manager/service-kit/config';
import {
  acceptSharedConnections,
  isSharedUpgrade,
} from '@queue-manager/service-kit/shared-connections';
import { testEnv, testLogger } from '@queue-manager/service-kit/testing';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { createGateway } from './app.ts';
import { gatewayEnv } from './config.ts';
import { connectRedis } from './redis.ts';

const upstreamNames = ['auth', 'user', 'queue', 'position', 'broker', 'mailer'] as const;
type UpstreamName = (typeof upstreamNames)[number];

/** A request that a service received. */
export type Received = {
  service: UpstreamName;
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
};

export type Upstreams = {
  /** The credential that gateways need to open streams. */
  internalCredential: string;
  urls: Record<UpstreamName, string>;
  received: Received[];
  /** Sets how services respond; 200 with `{}` by default. */
  answerWith(answer: (request: FastifyRequest, reply: FastifyReply) => unknown): void;
  /** Whether `/readyz` of a service succeeds. */
  ready: Record<UpstreamName, boolean>;
  /** An access token like those of the auth service. */
  token(claims?: { sub?: string; expiresAt?: Date }): Promise<string>;
  /** Stops one service. */
  stop(name: UpstreamName): Promise<void>;
  close(): Promise<void>;
};

/** The services behind the gateway: fake servers that record their requests. */
export async function startUpstreams(
  internalCredential = randomBytes(32).toString('base64url'),
): Promise<Upstreams> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'test', alg: 'ES256', use: 'sig' };
  const received: Received[] = [];
  const idle = async () => ({});
  let answer: (request: FastifyRequest, reply: FastifyReply) => unknown = idle;
  const ready = Object.fromEntries(upstreamNames.map((name) => [name, true])) as Record<
    UpstreamName,
    boolean
  >;
  const apps = {} as Record<UpstreamName, FastifyInstance>;
  const urls = {} as Record<UpstreamName, string>;

  for (const service of upstreamNames) {
    const app = fastify({
      forceCloseConnections: true,
      bodyLimit: 10_000_000,
      http: { shouldUpgradeCallback: isSharedUpgrade },
    });
    acceptSharedConnections(app, { internalCredential });
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) =>
      done(null, body),
    );
    app.get('/readyz', (_request, reply) => reply.code(ready[service] ? 200 : 503).send());
    if (service === 'auth') app.get('/.well-known/jwks.json', () => ({ keys: [jwk] }));
    app.all('/*', async (request, reply) => {
      const body = (request.body as Buffer | undefined) ?? Buffer.alloc(0);
      const { method, url, headers } = request;
      received.push({ service, method, url, headers, body });
      return answer(request, reply);
    });
    await app.listen({ host: '127.0.0.1', port: 0 });
    apps[service] = app;
    urls[service] = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  }

  return {
    internalCredential,
    urls,
    received,
    ready,
    answerWith: (next) => {
      answer = next;
    },
    token: ({ sub = randomUUID(), expiresAt = new Date(Date.now() + 900_000) } = {}) =>
      new SignJWT({ sid: randomUUID() })
        .setProtectedHeader({ alg: 'ES256', typ: accessTokenType, kid: 'test' })
        .setIssuer('queue-manager')
        .setAudience('queue-manager')
        .setSubject(sub)
        .setIssuedAt()
        .setExpirationTime(expiresAt)
        .sign(privateKey),
    stop: async (name) => {
      await apps[name].close();
    },
    close: async () => {
      await Promise.all(Object.values(apps).map((app) => app.close()));
    },
  };
}

/** The environment of a gateway before these services; their gateways share rate limits. */
export function gatewayEnvironment(upstreams: Upstreams): Record<string, string> {
  return {
    PORT: '0',
    INTERNAL_CREDENTIAL: upstreams.internalCredential,
    AUTH_SERVICE_URL: upstreams.urls.auth,
    USER_SERVICE_URL: upstreams.urls.user,
    QUEUE_SERVICE_URL: upstreams.urls.queue,
    POSITION_SERVICE_URL: upstreams.urls.position,
    BROKER_SERVICE_URL: upstreams.urls.broker,
    MAILER_SERVICE_URL: upstreams.urls.mailer,
    REDIS_URL: testEnv('REDIS_URL'),
  };
}

export type Gateway = { app: FastifyInstance; url: string; port: number };

/** Starts a gateway like `main.ts`. */
export async function startGateway(env: Record<string, string>): Promise<Gateway> {
  const config = readConfig(gatewayEnv, env);
  const redis = connectRedis(config, testLogger);
  const app = await createGateway({
    config,
    logger: testLogger,
    redis,
    verifyAccessToken: createAccessTokenVerifier({
      authServiceUrl: config.AUTH_SERVICE_URL,
      clock: systemClock,
    }),
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  // Calls before the first connection to Redis are not counted.
  while (redis.status === 'connecting' || redis.status === 'connect') await setImmediate();
  const { port } = app.server.address() as AddressInfo;
  return { app, url: `http://127.0.0.1:${port}`, port };
}

export type RawAnswer = { status: number; headers: IncomingHttpHeaders; body: string };

/** Sends a request with the path exactly as written; `fetch` would normalise it. */
export async function rawRequest(
  port: number,
  options: { path: string; method?: string; headers?: Record<string, string>; body?: string },
): Promise<RawAnswer> {
  const request = httpRequest({ host: '127.0.0.1', port, agent: false, ...options });
  request.end(options.body);
  const [response] = await once(request, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return {
    status: response.statusCode,
    headers: response.headers,
    body: Buffer.concat(chunks).toString(),
  };
}
