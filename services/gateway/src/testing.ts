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

const upstreamNames = ['auth', 'user', 'queue', 'position', 'mailer'] as const;
export type UpstreamName = (typeof upstreamNames)[number];

/** A call as it reached a service. */
export type Received = {
  service: UpstreamName;
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
};

export type World = {
  /** What a gateway has to show that sends streams there. */
  internalCredential: string;
  urls: Record<UpstreamName, string>;
  received: Received[];
  /** How services answer from now on; 200 with `{}` until then. */
  answerWith(answer: (request: FastifyRequest, reply: FastifyReply) => unknown): void;
  /** Whether a service says it is ready. */
  ready: Record<UpstreamName, boolean>;
  /** An access token as the auth service makes them. */
  token(claims?: { sub?: string; expiresAt?: Date }): Promise<string>;
  /** Ends one service. */
  stop(name: UpstreamName): Promise<void>;
  close(): Promise<void>;
};

/** Everything behind the gateway: five servers that note what reaches them. */
export async function startWorld(
  internalCredential = randomBytes(32).toString('base64url'),
): Promise<World> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'test', alg: 'ES256', use: 'sig' };
  const received: Received[] = [];
  const idle = async () => ({});
  let answer: (request: FastifyRequest, reply: FastifyReply) => unknown = idle;
  const ready = { auth: true, user: true, queue: true, position: true, mailer: true };
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

/** The environment of a gateway in front of a world; gateways of one world count calls together. */
export function gatewayEnvironment(world: World): Record<string, string> {
  return {
    PORT: '0',
    INTERNAL_CREDENTIAL: world.internalCredential,
    AUTH_SERVICE_URL: world.urls.auth,
    USER_SERVICE_URL: world.urls.user,
    QUEUE_SERVICE_URL: world.urls.queue,
    POSITION_SERVICE_URL: world.urls.position,
    MAILER_SERVICE_URL: world.urls.mailer,
    REDIS_URL: testEnv('REDIS_URL'),
  };
}

export type Gateway = { app: FastifyInstance; url: string; port: number };

/** A gateway as `main.ts` makes it, listening. */
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
  // Calls made before the first connection go uncounted.
  while (redis.status === 'connecting' || redis.status === 'connect') await setImmediate();
  const { port } = app.server.address() as AddressInfo;
  return { app, url: `http://127.0.0.1:${port}`, port };
}

export type RawAnswer = { status: number; headers: IncomingHttpHeaders; body: string };

/** A request with an address that is sent exactly as written; `fetch` would tidy it. */
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
