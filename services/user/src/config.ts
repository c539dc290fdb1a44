import { Flag, Secrets, serviceEnv, Url } from '@queue-manager/service-kit/config';
import { z } from 'zod';

export const userEnv = {
  ...serviceEnv,
  AUTH_SERVICE_URL: Url,
  QUEUE_SERVICE_URL: Url,
  PUBLIC_URL: Url,
  /** Base of the pages that links in account mails lead to; the public address unless given. */
  ACCOUNT_URL: Url.optional(),
  /** Makes the tokens in account mails. A retired secret may go after a day, the longest life of a token. */
  ACCOUNT_TOKEN_SECRET: Secrets,
  /** How many passwords are hashed at once; each takes 19 MiB and a thread of the pool meanwhile. */
  HASHES_AT_ONCE: z.coerce.number().int().min(1).max(64).default(4),
  /** Put before the names of tables and message queues. */
  DYNAMODB_PREFIX: z.string().default(''),
  SQS_PREFIX: z.string().default(''),
  PROVISION: Flag,
};
