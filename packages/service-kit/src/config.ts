import { readFileSync } from 'node:fs';
import { backofficePath } from '@queue-manager/contracts/pages';
import { z } from 'zod';
import { faultText } from './validation/fault-text.ts';

export const Url = z.url();

/** Environment variables of every service. */
export const serviceEnv = {
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65_535),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  /** Shared by all services; authenticates calls to `/internal/*`. Separated by commas: the first is sent, all are accepted. */
  INTERNAL_CREDENTIAL: z
    .string()
    .refine(
      (list) => list.split(',').every((credential) => credential.length >= 32),
      'must have at least 32 characters',
    ),
  /** Where traces are exported by OTLP over HTTP, such as http://127.0.0.1:4318; without it there are none. */
  OTEL_EXPORTER_OTLP_ENDPOINT: Url.optional(),
};

/** Where links lead. */
export const linkEnv = {
  /** Base of the links for guests: to joining and tickets, in mails and QR codes. */
  PUBLIC_URL: Url,
  /** Base of the links for staff, in account mails and invitations; by default, the backoffice at `PUBLIC_URL`. */
  ACCOUNT_URL: Url.optional(),
};

/** The bases of links, without a slash at their end. */
export function linkBases(config: { PUBLIC_URL: string; ACCOUNT_URL?: string | undefined }) {
  const publicUrl = config.PUBLIC_URL.replace(/\/$/, '');
  const accountUrl = config.ACCOUNT_URL?.replace(/\/$/, '') ?? `${publicUrl}${backofficePath}`;
  return { publicUrl, accountUrl };
}

/** Values separated by commas. */
export function commaList<Item extends z.ZodType<string, string>>(item: Item) {
  return z
    .string()
    .transform((list) => list.split(',').map((part) => part.trim()))
    .pipe(z.array(item));
}

/** Addresses of the processes of a service, separated by commas. */
export const Urls = commaList(Url).pipe(z.array(z.string()).min(1));
/** Address of a Redis server. For a cluster: its configuration endpoint, or some of its nodes, separated by commas. */
export const RedisUrl = z
  .string()
  .refine(
    (list) =>
      list
        .split(',')
        .every((part) => z.url({ protocol: /^rediss?$/ }).safeParse(part.trim()).success),
    'must be redis or rediss addresses',
  );
export const Flag = z.stringbool().default(false);

/** A JSON array of ticket keys: the first signs, all verify. */
export const TicketKeys = z
  .string()
  .transform((json, context) => {
    try {
      return JSON.parse(json) as unknown;
    } catch {
      context.addIssue({ code: 'custom', message: 'must be JSON' });
      return z.NEVER;
    }
  })
  .pipe(
    z
      .array(
        z.strictObject({
          id: z.int().min(0).max(255),
          secret: z.base64url().min(43, 'must be 32 bytes as base64url'),
        }),
      )
      .min(1),
  );

/** At least 32 bytes as base64url. */
export const Secret = z.base64url().min(43, 'must be 32 bytes as base64url');

/** Secrets separated by commas: the first signs, all verify. */
export const Secrets = z
  .string()
  .transform((list) => list.split(','))
  .pipe(z.array(Secret).min(1));

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Reads a service's configuration. Each variable may be given by a file instead, as secrets are mounted in containers:
 * `TOKEN_KEYS_FILE` is the path of a file with the value of `TOKEN_KEYS`. An empty variable counts as missing.
 * Throws a `ConfigError` whose one line names every missing or invalid variable, but never its value.
 */
export function readConfig<S extends z.ZodRawShape>(
  shape: S,
  env: NodeJS.ProcessEnv = process.env,
): z.output<z.ZodObject<S>> {
  const variables: Record<string, string> = {};
  const faults: string[] = [];
  const unread = new Set<string>();
  for (const name of Object.keys(shape)) {
    try {
      const value = readVariable(name, env);
      if (value) variables[name] = value;
    } catch (error) {
      unread.add(name);
      faults.push((error as Error).message);
    }
  }
  const parsed = z.object(shape).safeParse(variables, { error: faultText });
  if (parsed.success && faults.length === 0) return parsed.data;
  for (const issue of parsed.error?.issues ?? []) {
    const name = String(issue.path[0]);
    if (unread.has(name)) continue;
    faults.push(name in variables ? `${name} ${issue.message}` : `${name} is missing`);
  }
  throw new ConfigError(`Bad configuration: ${faults.join('; ')}`);
}

function readVariable(name: string, env: NodeJS.ProcessEnv): string | undefined {
  const file = env[`${name}_FILE`];
  if (!file) return env[name];
  if (env[name]) throw new Error(`${name} and ${name}_FILE are both set`);
  try {
    // Editors and `echo` end a file with a line break.
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new Error(`${name}_FILE cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
