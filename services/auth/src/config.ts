import { Flag, linkEnv, Secrets, serviceEnv, Url } from '@queue-manager/service-kit/config';
import { z } from 'zod';
import { createKeyRing } from './key-ring.ts';

/** Private P-256 keys as a JSON array of JWKs: the first signs access tokens, all verify them. */
const TokenKeys = z.string().transform((json, context) => {
  try {
    return createKeyRing(JSON.parse(json));
  } catch {
    context.addIssue({
      code: 'custom',
      message: 'must be a JSON array of private P-256 JWKs with distinct kids',
    });
    return z.NEVER;
  }
});

export const authEnv = {
  ...serviceEnv,
  /** The backoffice, whose browsers get the refresh cookie. */
  ...linkEnv,
  USER_SERVICE_URL: Url,
  /** Retired keys can be removed after 15 minutes, the lifetime of an access token. */
  TOKEN_KEYS: TokenKeys,
  /** Signs refresh tokens. Retired secrets can be removed after 30 days, the lifetime of a refresh token. */
  SESSION_SECRET: Secrets,
  /** Prefixes of the names of tables and message queues. */
  DYNAMODB_PREFIX: z.string().default(''),
  SQS_PREFIX: z.string().default(''),
  PROVISION: Flag,
};
