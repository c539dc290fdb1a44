import { createHmac, hash } from 'node:crypto';
import rateLimit, { normalizeIP } from '@fastify/rate-limit';
import { apiKeyPrefix } from '@queue-manager/contracts/api-keys';
import type { RateLimit } from '@queue-manager/contracts/contract';
import { login } from '@queue-manager/contracts/tokens';
import { normaliseEmail } from '@queue-manager/contracts/values';
import type { VerifyAccessToken } from '@queue-manager/service-kit/access-tokens';
import { bearerOf, jsonText } from '@queue-manager/service-kit/create-app';
import { daySeconds } from '@queue-manager/service-kit/durations';
import { invalidField, isProblem, Problem, problems } from '@queue-manager/service-kit/problems';
import type { RedisClient } from '@queue-manager/service-kit/redis';
import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  onRequestAsyncHookHandler,
  onResponseAsyncHookHandler,
  preHandlerAsyncHookHandler,
} from 'fastify';

type RateLimitOptions = {
  redis: RedisClient;
  /** Calls per minute that each limit allows. */
  perMinute: Record<
    Exclude<RateLimit, 'password'> | 'credentialsAddress' | 'ticketAddress',
    number
  >;
  verifyAccessToken: VerifyAccessToken;
  /** Hashes the keys of shared counts, so that Redis holds neither addresses nor e-mails. The same in every gateway. */
  secret: string;
};

type LimitHooks = {
  onRequest: onRequestAsyncHookHandler;
  preHandler?: preHandlerAsyncHookHandler;
  onResponse?: onResponseAsyncHookHandler;
};

/** Counts a call; throws `too-many-requests` above the limit. */
type Limit = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
/** The key that a call counts for; null when it is not counted. */
type KeyOf = (request: FastifyRequest) => string | null;
type LimitSettings = { max: number; keyOf: KeyOf; windowMs?: number } & (
  | { cache: number }
  | { redis: RedisClient; nameSpace: string }
);

const uncounted = '';
const knownPrefix = 'rate-limit:known:';
const minuteMs = 60_000;
/** Guesses at one account from addresses that have never signed in to it. */
const guesses = { max: 60, windowMs: 15 * minuteMs };
/** How long an address is known after a sign-in. */
const knownSeconds = 30 * daySeconds;

/** LRU size of a limit in memory. */
const callersMax = 50_000;

/**
 * The hooks that count a call, by the `rateLimit` of its contract. Limits against abuse (`credentials`, `password`,
 * `join`) are shared by all gateways through Redis; while it is unavailable, each gateway counts its own. The others
 * protect this process and are counted in memory.
 */
export async function createRateLimits(
  app: FastifyInstance,
  options: RateLimitOptions,
): Promise<Record<RateLimit, LimitHooks>> {
  const { perMinute, verifyAccessToken } = options;
  const inMemory = (max: number, keyOf: KeyOf) =>
    createLimit(app, { max, keyOf, cache: callersMax });
  const shared = async (name: string, max: number, plainKeyOf: KeyOf, windowMs = minuteMs) => {
    const keyOf = hashed(`${options.secret} ${name}`, plainKeyOf);
    const nameSpace = `rate-limit:${name}:`;
    const { redis } = options;
    const count = await createLimit(app, { max, keyOf, windowMs, redis, nameSpace });
    const countHere = await createLimit(app, { max, keyOf, windowMs, cache: callersMax });
    const limit: Limit = (request, reply) =>
      count(request, reply).catch((error: unknown) => {
        if (error instanceof Problem) throw error;
        return countHere(request, reply);
      });
    return limit;
  };

  const byAddress = await inMemory(perMinute.address, addressOf);
  const ticketsByAddress = await inMemory(perMinute.ticketAddress, addressOf);
  const byTicket = await inMemory(perMinute.ticket, ticketOf);
  const keysByAddress = await inMemory(perMinute.ticketAddress, addressOf);
  const byKey = await inMemory(perMinute.key, keyOf);
  const byAccount = await inMemory(perMinute.account, (request) => request.claims?.sub ?? null);
  const joinsByAddress = await shared('join', perMinute.join, addressOf);
  const credentialsByAddress = await shared(
    'credentials-address',
    perMinute.credentialsAddress,
    addressOf,
  );
  const credentialsByEmail = await shared('credentials', perMinute.credentials, (request) => {
    const email = emailOf(request);
    return email === null ? null : `${request.routeOptions.url} ${email} ${addressOf(request)}`;
  });
  const guessesByEmail = await shared(
    'guesses',
    guesses.max,
    (request) => {
      const email = emailOf(request);
      return email === null ? null : `${request.routeOptions.url} ${email}`;
    },
    guesses.windowMs,
  );
  // Otherwise guesses from many addresses would keep the owner out.
  const knownKeyOf = hashed(`${options.secret} known`, (request) => {
    const email = emailOf(request);
    return email === null ? null : `${email} ${addressOf(request)}`;
  });
  const isKnown = async (request: FastifyRequest) => {
    const key = knownKeyOf(request);
    return key !== null && (await options.redis.exists(knownPrefix + key).catch(() => 0)) === 1;
  };
  // Limits guessing a password with a stolen token.
  const passwordsByAccount = await shared('password', perMinute.credentials, ({ claims }) =>
    claims === null ? null : claims.sub,
  );

  const account: onRequestAsyncHookHandler = async (request, reply) => {
    try {
      request.claims = await verifyAccessToken(bearerOf(request.headers.authorization));
    } catch (error) {
      await byAddress(request, reply);
      // Without keys the gateway cannot verify the token; the service may.
      if (isProblem(error, 'unavailable')) return;
      throw error;
    }
    await byAccount(request, reply);
  };

  return {
    address: { onRequest: byAddress },
    join: { onRequest: joinsByAddress },
    credentials: {
      onRequest: credentialsByAddress,
      preHandler: async (request, reply) => {
        await credentialsByEmail(request, reply);
        if (!(await isKnown(request))) await guessesByEmail(request, reply);
      },
      onResponse: async (request, reply) => {
        if (request.routeOptions.url !== login.url || reply.statusCode !== login.status) return;
        const key = knownKeyOf(request);
        if (key === null) return;
        await options.redis.set(knownPrefix + key, '1', 'EX', knownSeconds).catch(() => undefined);
      },
    },
    password: { onRequest: account, preHandler: passwordsByAccount },
    ticket: {
      onRequest: async (request, reply) => {
        await ticketsByAddress(request, reply);
        await byTicket(request, reply);
      },
    },
    key: {
      onRequest: async (request, reply) => {
        await (keyOf(request) === null ? byAddress : keysByAddress)(request, reply);
        await byKey(request, reply);
      },
    },
    account: { onRequest: account },
  };
}

/** Creates one limit, in a scope of its own, since the plugin's settings apply per scope. */
async function createLimit(
  app: FastifyInstance,
  { max, keyOf, windowMs = minuteMs, ...store }: LimitSettings,
): Promise<Limit> {
  const { promise, resolve } = Promise.withResolvers<ReturnType<typeof app.createRateLimit>>();
  await app.register(async (scope) => {
    await scope.register(rateLimit, {
      global: false,
      max,
      timeWindow: windowMs,
      keyGenerator: (request) => keyOf(request) ?? uncounted,
      allowList: [uncounted],
      ...store,
    });
    resolve(scope.createRateLimit());
  });
  const count = await promise;
  return async (request, reply) => {
    const result = await count(request);
    if (result.isAllowed) return;
    reply
      .header('ratelimit-limit', result.max)
      .header('ratelimit-remaining', result.remaining)
      .header('ratelimit-reset', result.ttlInSeconds);
    if (!result.isExceeded) return;
    const retryAfterSeconds = Math.max(1, result.ttlInSeconds);
    throw problems.tooManyRequests({
      detail: `There have been too many requests. Please try again in ${retryAfterSeconds} s.`,
      retryAfterSeconds,
    });
  };
}

/** Hashes the key, for Redis. */
function hashed(secret: string, keyOf: KeyOf): KeyOf {
  return (request) => {
    const key = keyOf(request);
    return key === null ? null : createHmac('sha256', secret).update(key).digest('base64url');
  };
}

/** The address, for IPv6 its /64 network, since a client has at least that. Null when the client has disconnected. */
export function addressOf(request: FastifyRequest): string | null {
  const address: string | undefined = request.ip;
  return address === undefined ? null : normalizeIP(address);
}

function ticketOf(request: FastifyRequest): string {
  return hash('sha256', (request.params as { ticket: string }).ticket, 'base64url');
}

/** A hash of the API key; null without one. Only the broker knows whether it is valid. */
function keyOf({ headers: { authorization = '' } }: FastifyRequest): string | null {
  const [, key] = /^Bearer (.+)$/i.exec(authorization) ?? [];
  return key?.startsWith(apiKeyPrefix) ? hash('sha256', key, 'base64url') : null;
}

/** By request, since several limits count by it. */
const emails = new WeakMap<FastifyRequest, string | null>();

/**
 * The normalised e-mail in a body; null when there is none, which the service refuses. Throws `validation-failed`
 * for invalid JSON, so that no uncounted request reaches the service.
 */
function emailOf(request: FastifyRequest): string | null {
  const known = emails.get(request);
  if (known !== undefined) return known;
  const email = readEmail(request);
  emails.set(request, email);
  return email;
}

function readEmail(request: FastifyRequest): string | null {
  const body = request.body as Buffer | undefined;
  if (body === undefined) return null;
  const text = jsonText(body, request.headers['content-type']);
  const { email } = (parseJson(text) ?? {}) as { email?: unknown };
  return typeof email === 'string' ? normaliseEmail(email) : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalidField('body', 'is not valid JSON');
  }
}
