import {
  Flag,
  linkEnv,
  Secret,
  serviceEnv,
  TicketKeys,
  Url,
  Urls,
} from '@queue-manager/service-kit/config';
import { z } from 'zod';

export const queueEnv = {
  ...serviceEnv,
  MYSQL_URL: Url,
  /** Connections to MySQL. Each change of a queue holds one, also while it waits for the queue's lock. */
  MYSQL_POOL_SIZE: z.coerce.number().int().min(1).max(1_000).default(50),
  AUTH_SERVICE_URL: Url,
  /** One URL for each of its processes, separated by commas. */
  POSITION_SERVICE_URL: Urls,
  USER_SERVICE_URL: Url,
  ...linkEnv,
  TICKET_KEYS: TicketKeys,
  /**
   * Signs the unsubscribe links in mails, and keys the hashes of those who followed them. Never replace it: venues would
   * mail them again.
   */
  UNSUBSCRIBE_KEY: Secret,
  SQS_PREFIX: z.string().default(''),
  PROVISION: Flag,
  /**
   * How long a task may take to reach SQS before it counts as lost and is handed out again. Must exceed the
   * longest request to SQS, its three tries included.
   */
  TASK_LEASE_SECONDS: z.coerce.number().int().min(30).max(86_400).default(300),
  /** Turn off where alarms of the cloud provider watch the dead-letter queues. */
  DEAD_LETTER_WATCH: z.stringbool().default(true),
};
