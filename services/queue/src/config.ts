import { Flag, serviceEnv, TicketKeys, Url, Urls } from '@queue-manager/service-kit/config';
import { z } from 'zod';

export const queueEnv = {
  ...serviceEnv,
  MYSQL_URL: Url,
  /** Connections to MySQL; each change of a line holds one while it waits for the line's lock. */
  MYSQL_POOL_SIZE: z.coerce.number().int().min(1).max(1_000).default(50),
  AUTH_SERVICE_URL: Url,
  /** Of each of its processes, separated by commas. */
  POSITION_SERVICE_URL: Urls,
  USER_SERVICE_URL: Url,
  /** Base of what guests see: join links and ticket links start with it, and those of invitations. */
  PUBLIC_URL: Url,
  TICKET_KEYS: TicketKeys,
  SQS_PREFIX: z.string().default(''),
  PROVISION: Flag,
  /**
   * How long a task may be on its way to SQS before it is handed out again. At least as long as one request to
   * SQS may take with its three tries: what is still being sent is not lost.
   */
  TASK_LEASE_SECONDS: z.coerce.number().int().min(30).max(86_400).default(300),
  /** Off where the cloud's own alarms watch the dead-letter queues. */
  DEAD_LETTER_WATCH: z.stringbool().default(true),
};
