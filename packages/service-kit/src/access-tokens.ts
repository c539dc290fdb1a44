import { AccessTokenClaims } from '@queue-manager/contracts/tokens';
import { createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import type { Clock } from './clock.ts';
import { problems } from './problems.ts';

/** The `typ` of an access token's header, so that no other kind of token passes for one (RFC 9068). */
export const accessTokenType = 'at+jwt';

/** Verifies an access token. Throws `unauthenticated` when it is invalid or expired, `unavailable` when the keys cannot be fetched. */
export type VerifyAccessToken = (token: string) => Promise<AccessTokenClaims>;

/**
 * Verifies ES256 access tokens against the auth service's published keys (fetched once, again when a token
 * names an unknown key), or against local keys. Verified tokens are cached until they expire: checking an EC
 * signature costs more than everything else in a position read.
 */
export function createAccessTokenVerifier(
  options: { clock: Clock } & ({ authServiceUrl: string } | { keys: JWTVerifyGetKey }),
): VerifyAccessToken {
  const keys =
    'keys' in options
      ? options.keys
      : createRemoteJWKSet(new URL('/.well-known/jwks.json', options.authServiceUrl));
  const verified = new LRUCache<string, AccessTokenClaims>({ max: 10_000 });

  return async (token) => {
    const now = options.clock.now();
    const known = verified.get(token);
    if (known !== undefined && known.exp * 1_000 > now.getTime()) return known;
    try {
      const { payload } = await jwtVerify(token, keys, {
        algorithms: ['ES256'],
        issuer: 'queue-manager',
        audience: 'queue-manager',
        typ: accessTokenType,
        currentDate: now,
      });
      const claims = AccessTokenClaims.parse(payload);
      verified.set(token, claims);
      return claims;
    } catch (error) {
      if (error instanceof errors.JWTExpired) {
        throw problems.unauthenticated({ detail: 'The access token has expired.' });
      }
      if (error instanceof errors.JWKSTimeout || !isTokenFault(error)) {
        throw problems.unavailable({ cause: error, retryAfterSeconds: 1 });
      }
      throw problems.unauthenticated({ detail: 'The access token is not valid.' });
    }
  };
}

function isTokenFault(error: unknown): boolean {
  if (error instanceof errors.JOSEError) return error.constructor !== errors.JOSEError;
  return error instanceof Error && error.name === 'ZodError';
}
