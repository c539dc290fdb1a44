import { createHmac, hash } from 'node:crypto';
import rateLimit, { normalizeIP } from '@fastify/rate-limit';
import type { RateLimit } from '@queue-manager/contracts/contract';
import { normaliseEmail } from '@queue-manager/contracts/values';
import type { VerifyAccessToken } from '@queue-manager/service-kit/access-tokens';
import { bearerOf } from '@queue-manager/service-kit/create-app';
import { invalidField, isProblem, problems } from '@queue-manager/service-kit/problems';
import type { RedisClient } from '@queue-manager/service-kit/redis';
import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  onRequestAsyncHookHandler,
  preHandlerAsyncHookHandler,
} from 'fastify';

/** Calls a minute that each limit lets through. */
export type PerMinute = {
  credentials: number;
  credentialsAddress: number;
  join: number;
  ticket: number;
  ticketAddress: number;
  account: number;
  address: number;
};

export type RateLimitOptions = {
  redis: RedisClient;
  perMinute: PerMinute;
  verifyAccessToken: VerifyAccessToken;
  /** Keys the names of shared counts, so that Redis holds neither addresses nor e-mails. The same in every gateway. */
  secret: string;
};

type LimitHooks = {
  onRequest: onRequestAsyncHookHandler;
  preHandler?: preHandlerAsyncHookHandler;
};

/** Counts a call; throws `too-many-requests` when it is one too many. */
type Limit = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
/** Names whom a call counts for; null when it counts for nobody. */
type KeyOf = (request: FastifyRequest) => string | null;
type LimitSettings = { max: number; keyOf: KeyOf } & (
  | { cache: number }
  | { redis: RedisClient; nameSpace: string; skipOnError: true }
);

const nobody = '';
const windowMs = 60_000;

/** How many callers one limit in memory remembers; the longest unseen are forgotten first. */
const rememberedCallers = 50_000;

/**
 * The hooks that count a call, by the class its contract names. Where abuse matters (`credentials`, `password`,
 * `join`) all gateways share their counts through Redis, and let everyone in while it is away; the others protect
 * this process and are kept in its memory.
 */
export async function createRateLimits(
  app: FastifyInstance,
  options: RateLimitOptions,
): Promise<Record<RateLimit, LimitHooks>> {
  const { perMinute, verifyAccessToken } = options;
  const inMemory = (max: number, keyOf: KeyOf) =>
    createLimit(app, { max, keyOf, cache: rememberedCallers });
  const shared = (name: string, max: number, keyOf: KeyOf) =>
    createLimit(app, {
      max,
      keyOf: hiddenBy(`${options.secret} ${name}`, keyOf),
      redis: options.redis,
      nameSpace: `rate-limit:${name}:`,
      skipOnError: true,
    });

  const byAddress = await inMemory(perMinute.address, addressOf);
  const ticketsByAddress = await inMemory(perMinute.ticketAddress, addressOf);
  const byTicket = await inMemory(perMinute.ticket, ticketOf);
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
  // Guessing a password with a stolen token is guessing a password.
  const passwordsByAccount = await shared('password', perMinute.credentials, ({ claims }) =>
    claims === null ? null : claims.sub,
  );

  const account: onRequestAsyncHookHandler = async (request, reply) => {
    try {
      request.claims = await verifyAccessToken(bearerOf(request.headers.authorization));
    } catch (error) {
      await byAddress(request, reply);
      // Without keys the gateway cannot judge a token; the service may.
      if (isProblem(error, 'unavailable')) return;
      throw error;
    }
    await byAccount(request, reply);
  };

  return {
    address: { onRequest: byAddress },
    join: { onRequest: joinsByAddress },
    credentials: { onRequest: credentialsByAddress, preHandler: credentialsByEmail },
    password: { onRequest: account, preHandler: passwordsByAccount },
    ticket: {
      onRequest: async (request, reply) => {
        await ticketsByAddress(request, reply);
        await byTicket(request, reply);
      },
    },
    account: { onRequest: account },
  };
}

/** One limit: the plugin counts by the settings of the place it is registered at, hence a scope for each. */
async function createLimit(
  app: FastifyInstance,
  { max, keyOf, ...store }: LimitSettings,
): Promise<Limit> {
  const { promise, resolve } = Promise.withResolvers<ReturnType<typeof app.createRateLimit>>();
  await app.register(async (scope) => {
    await scope.register(rateLimit, {
      global: false,
      max,
      timeWindow: windowMs,
      keyGenerator: (request) => keyOf(request) ?? nobody,
      allowList: [nobody],
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
      detail: `Up to ${result.max} requests a minute are allowed. Try again in ${retryAfterSeconds} s.`,
      retryAfterSeconds,
    });
  };
}

/** What Redis gets to see of a key. */
function hiddenBy(secret: string, keyOf: KeyOf): KeyOf {
  return (request) => {
    const key = keyOf(request);
    return key === null ? null : createHmac('sha256', secret).update(key).digest('base64url');
  };
}

/** IPv6 callers hold at least a /64 each, so that is what counts as one address. Null once the caller has gone. */
function addressOf(request: FastifyRequest): string | null {
  const address: string | undefined = request.ip;
  return address === undefined ? null : normalizeIP(address);
}

function ticketOf(request: FastifyRequest): string {
  return hash('sha256', (request.params as { ticket: string }).ticket, 'base64url');
}

/**
 * The e-mail in a body as its service compares it; null when there is none, which the service refuses.
 * Throws `validation-failed` for a body that is not JSON: nothing uncounted may reach the service.
 */
function emailOf(request: FastifyRequest): string | null {
  const body = request.body as Buffer | undefined;
  if (body === undefined) return null;
  const { email } = (parseJson(body) ?? {}) as { email?: unknown };
  return typeof email === 'string' ? normaliseEmail(email) : null;
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw invalidField('body', 'is not valid JSON');
  }
}
