import { Flag, linkEnv, Secrets, serviceEnv, Url } from '@queue-manager/service-kit/config';
import { z } from 'zod';

export const userEnv = {
  ...serviceEnv,
  AUTH_SERVICE_URL: Url,
  QUEUE_SERVICE_URL: Url,
  ...linkEnv,
  /** Signs the tokens in account mails. Retired secrets can be removed after a day, a token's longest lifetime. */
  ACCOUNT_TOKEN_SECRET: Secrets,
  /** Concurrent password hashes; each takes 19 MiB and a thread of the pool. */
  HASHES_AT_ONCE: z.coerce.number().int().min(1).max(64).default(4),
  /** Prefixes of the names of tables and message queues. */
  DYNAMODB_PREFIX: z.string().default(''),
  SQS_PREFIX: z.string().default(''),
  PROVISION: Flag,
};
