import { z } from 'zod';
import { contract } from './contract.ts';
import { OfferedPassword } from './users.ts';
import { Email, optionalBody, page, pageQuery, Timestamp, Uuid } from './values.ts';

/** A token used this recently gets the same successor again: mobile networks lose responses. */
const reuseGraceSeconds = 20;

/** Token lifetimes in seconds. */
export const tokenLives = {
  accessSeconds: 15 * 60,
  refreshSeconds: 30 * 24 * 60 * 60,
  reuseGraceSeconds,
  /**
   * A cookie is replaced only when its token is this old. Responses that set the older token are sent during the grace
   * period, so one that is up to 20 s late still arrives before its successor, and never overwrites it.
   */
  cookieMinSeconds: 2 * reuseGraceSeconds,
} as const;

/** The cookie that keeps a browser's refresh token out of reach of scripts. Over HTTPS, its name gets the prefix. */
export const refreshCookie = {
  name: 'qm_refresh',
  securePrefix: '__Secure-',
  path: '/v1/auth',
} as const;

export const TokenPair = z
  .object({
    accessToken: z.string(),
    tokenType: z.literal('Bearer'),
    expiresIn: z.int().meta({ description: 'Seconds until the access token expires' }),
    refreshToken: z
      .string()
      .optional()
      .meta({ description: 'Absent when the refresh token is in the cookie' }),
  })
  .meta({ id: 'TokenPair' });
export type TokenPair = z.infer<typeof TokenPair>;

export const login = contract({
  operationId: 'login',
  summary: 'Sign in',
  description:
    'Opens a session. Use the access token for `expiresIn` seconds, then exchange the refresh token. Web apps on this origin set `session` to `cookie`: the refresh token then comes in a cookie that scripts cannot read, and replaces the session of the cookie that the browser had. An account has up to 50 sessions; a further one ends the oldest.',
  service: 'auth',
  method: 'POST',
  url: '/v1/auth/login',
  auth: 'public',
  rateLimit: 'credentials',
  usesRefreshCookie: true,
  schema: {
    body: z.strictObject({
      email: Email,
      password: OfferedPassword,
      session: z
        .enum(['token', 'cookie'])
        .default('token')
        .meta({ description: 'Where the refresh token comes: in the body, or in a cookie' }),
    }),
  },
  status: 200,
  response: TokenPair,
  problems: ['invalid-credentials', 'forbidden'],
});

export const refresh = contract({
  operationId: 'refresh',
  summary: 'Exchange a refresh token for a new token pair',
  description: `Both tokens are new; keep both. For ${tokenLives.reuseGraceSeconds} seconds, a refresh token that was used gets the same successor again, since responses get lost. Later use of it ends the session. Without \`refreshToken\`, the refresh cookie is used, and its successor comes as a cookie; a cookie that is less than ${tokenLives.cookieMinSeconds} seconds old stays. A \`refreshToken\` in the body takes precedence over the cookie.`,
  service: 'auth',
  method: 'POST',
  url: '/v1/auth/refresh',
  auth: 'public',
  rateLimit: 'address',
  usesRefreshCookie: true,
  schema: { body: optionalBody({ refreshToken: z.string().min(1).max(512).optional() }) },
  status: 200,
  response: TokenPair,
  problems: ['invalid-refresh-token', 'unauthenticated', 'forbidden'],
});

export const logout = contract({
  operationId: 'logout',
  summary: 'Sign out: end this session',
  description: `Ends the sessions of the access token and of the refresh cookie, and deletes the cookie; one of the two is enough. The refresh token stops working at once. Access tokens of the session stay valid until they expire, at most ${tokenLives.accessSeconds / 60} minutes later.`,
  service: 'auth',
  method: 'POST',
  url: '/v1/auth/logout',
  auth: 'session',
  rateLimit: 'address',
  usesRefreshCookie: true,
  status: 204,
  problems: ['forbidden'],
});

export const Session = z
  .object({
    id: Uuid,
    createdAt: Timestamp,
    lastUsedAt: Timestamp,
    expiresAt: Timestamp,
    current: z.boolean(),
  })
  .meta({ id: 'Session' });
export type Session = z.infer<typeof Session>;

export const listSessions = contract({
  operationId: 'listSessions',
  summary: 'List your open sessions',
  service: 'auth',
  method: 'GET',
  url: '/v1/auth/sessions',
  auth: 'user',
  rateLimit: 'account',
  schema: { querystring: pageQuery({}) },
  status: 200,
  response: page(Session),
});

export const endSession = contract({
  operationId: 'endSession',
  summary: 'End one of your sessions',
  description: 'Its refresh token stops working at once, its access token when it expires.',
  service: 'auth',
  method: 'DELETE',
  url: '/v1/auth/sessions/:sessionId',
  auth: 'user',
  rateLimit: 'account',
  schema: { params: z.strictObject({ sessionId: Uuid }) },
  status: 204,
  problems: ['not-found'],
});

/** RFC 7517; holds only the public parts of P-256 keys. */
export const JsonWebKeySet = z
  .object({
    keys: z.array(
      z.object({
        kty: z.literal('EC'),
        crv: z.literal('P-256'),
        x: z.string(),
        y: z.string(),
        kid: z.string(),
        alg: z.literal('ES256'),
        use: z.literal('sig'),
      }),
    ),
  })
  .meta({ id: 'JsonWebKeySet' });

export const getJwks = contract({
  operationId: 'getJwks',
  summary: 'Get the public keys that verify access tokens',
  description: 'Access tokens are JWTs signed with ES256; the header `kid` names the key.',
  service: 'auth',
  method: 'GET',
  url: '/.well-known/jwks.json',
  auth: 'public',
  rateLimit: 'address',
  status: 200,
  response: JsonWebKeySet,
});

/** Claims of an access token: `sub` is the account, `sid` the session. No roles: the queue service owns those. */
export const AccessTokenClaims = z.object({
  iss: z.literal('queue-manager'),
  aud: z.literal('queue-manager'),
  sub: Uuid,
  sid: Uuid,
  iat: z.int(),
  exp: z.int(),
});
export type AccessTokenClaims = z.infer<typeof AccessTokenClaims>;
