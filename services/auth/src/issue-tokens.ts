import type { FastifyJWTOptions, JWT } from '@fastify/jwt';
import { type TokenPair, tokenLives } from '@queue-manager/contracts/tokens';
import { accessTokenType } from '@queue-manager/service-kit/access-tokens';
import type { Deps } from './deps.ts';
import type { KeyRing } from './key-ring.ts';
import type { Session } from './sessions.ts';

/** Options of @fastify/jwt to sign access tokens with the header and claims of RFC 9068. */
export function jwtOptions({ signing }: KeyRing): FastifyJWTOptions {
  return {
    secret: { private: signing.privatePem, public: signing.publicPem },
    sign: {
      algorithm: 'ES256',
      kid: signing.kid,
      header: { alg: 'ES256', typ: accessTokenType },
      iss: 'queue-manager',
      aud: 'queue-manager',
      expiresIn: tokenLives.accessSeconds,
    },
  };
}

export type IssuedTokens = TokenPair & { refreshToken: string };

/** A new access token, and the refresh token with this counter. */
export function issueTokens(
  { clock, refreshTokens }: Deps,
  jwt: JWT,
  session: Session,
  counter: number,
): IssuedTokens {
  const iat = Math.floor(clock.now().getTime() / 1_000);
  return {
    accessToken: jwt.sign({ sub: session.userId, sid: session.id, iat }),
    tokenType: 'Bearer',
    expiresIn: tokenLives.accessSeconds,
    refreshToken: refreshTokens.make(session, counter),
  };
}
