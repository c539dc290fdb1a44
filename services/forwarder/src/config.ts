import { Flag, serviceEnv } from '@queue-manager/service-kit/config';
import { Cron } from 'croner';
import { z } from 'zod';

/** Cron patterns, separated by semicolons, since a pattern may have commas. */
const Schedules = z
  .string()
  .transform((list) => list.split(';').map((pattern) => pattern.trim()))
  .pipe(z.array(z.string().refine(isPattern, 'must be cron patterns such as */5 * * * *')).min(1));

function isPattern(pattern: string): boolean {
  try {
    return new Cron(pattern, { paused: true }).nextRun() !== null;
  } catch {
    return false;
  }
}

/** Of the process and of Lambda. */
export const forwarderLambdaEnv = {
  LOG_LEVEL: serviceEnv.LOG_LEVEL,
  /** Path of the target and its keys in Parameter Store. */
  FORWARD_PARAMETERS_PATH: z
    .string()
    .regex(/^(?:\/[\w.-]+)+$/, 'must be a path such as /queue-manager/forwarder')
    .default('/queue-manager/forwarder'),
  /** A folder that replaces Parameter Store: one file per parameter, named after it. */
  FORWARD_PARAMETERS_FOLDER: z.string().optional(),
  /** How long a parameter may be used before it is read again. */
  FORWARD_PARAMETERS_CACHE_SECONDS: z.coerce.number().int().min(0).max(3_600).default(60),
  /** How long a run may take. */
  FORWARD_BUDGET_SECONDS: z.coerce.number().int().min(1).max(3_600).default(240),
  /** How long one request may take. Shorter than a process takes to stop, so that it gets the reply. */
  FORWARD_TIMEOUT_SECONDS: z.coerce.number().int().min(1).max(60).default(8),
  FORWARD_REQUESTS_PER_SECOND: z.coerce.number().min(0.1).max(1_000).default(5),
  /** Whether the target may have a private address, and be called without TLS. */
  FORWARD_ALLOW_PRIVATE: Flag,
  /** Prefixes of the names of tables and message queues. */
  DYNAMODB_PREFIX: z.string().default(''),
  SQS_PREFIX: z.string().default(''),
};

/** Of the process, which schedules its own runs. */
export const forwarderEnv = {
  ...serviceEnv,
  ...forwarderLambdaEnv,
  FORWARD_SCHEDULES: Schedules.prefault('*/5 * * * *'),
  FORWARD_TIMEZONE: z
    .string()
    .refine((zone) => Intl.supportedValuesOf('timeZone').concat('UTC').includes(zone), {
      error: 'must be a time zone such as Europe/Lisbon',
    })
    .default('UTC'),
  PROVISION: Flag,
};
