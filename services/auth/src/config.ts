import { Flag, Secrets, serviceEnv, Url } from '@queue-manager/service-kit/config';
import { z } from 'zod';
import { createKeyRing } from './key-ring.ts';

/** A ring of private P-256 keys as a JSON array of JWKs: the first signs access tokens, all verify them. */
const TokenKeys = z.string().transform((json, context) => {
  try {
    return createKeyRing(JSON.parse(json));
  } catch {
    context.addIssue({
      code: 'custom',
      message: 'must be a JSON array of private P-256 JWKs, each with a kid of its own',
    });
    return z.NEVER;
  }
});

export const authEnv = {
  ...serviceEnv,
  USER_SERVICE_URL: Url,
  /** A retired key may go after 15 minutes, the life of an access token. */
  TOKEN_KEYS: TokenKeys,
  /** Makes refresh tokens. A retired secret may go after 30 days, the life of a refresh token. */
  SESSION_SECRET: Secrets,
  /** Put before the names of tables and message queues. */
  DYNAMODB_PREFIX: z.string().default(''),
  SQS_PREFIX: z.string().default(''),
  PROVISION: Flag,
};
