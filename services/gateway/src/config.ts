import { isIP } from 'node:net';
import { Flag, RedisUrl, serviceEnv, Url } from '@queue-manager/service-kit/config';
import { z } from 'zod';

const commaList = <Item extends z.ZodType<string, string>>(item: Item) =>
  z
    .string()
    .transform((text) => text.split(',').map((part) => part.trim()))
    .pipe(z.array(item));

const perMinute = (byDefault: number) => z.coerce.number().int().min(1).default(byDefault);

/** Names that stand for ranges, as Fastify's `trustProxy` knows them. */
const namedRanges = ['loopback', 'linklocal', 'uniquelocal'];

function isAddressRange(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  if (rest.length > 0) return false;
  if (prefix === undefined) return namedRanges.includes(address) || isIP(address) !== 0;
  return isIP(address) !== 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= bitsOf(address);
}

function bitsOf(address: string): number {
  return isIP(address) === 6 ? 128 : 32;
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}

/** The base address of a service: no path, since a route is a contract's own. */
const ServiceUrl = Url.refine((text) => new URL(text).pathname === '/', 'must have no path');

export const gatewayEnv = {
  ...serviceEnv,
  AUTH_SERVICE_URL: ServiceUrl,
  USER_SERVICE_URL: ServiceUrl,
  QUEUE_SERVICE_URL: ServiceUrl,
  /** Of each of its processes, separated by commas. */
  POSITION_SERVICE_URL: commaList(ServiceUrl),
  /** Asked whether it is ready; no call is forwarded to it. */
  MAILER_SERVICE_URL: ServiceUrl.optional(),
  /** Counts of the limits that all gateways share. */
  REDIS_URL: RedisUrl,
  /** Whether REDIS_URL names a Redis Cluster, whose other nodes are then found through those named. */
  REDIS_CLUSTER: Flag,
  /** Proxies in front of the gateway whose forwarded headers count: addresses and ranges. */
  TRUSTED_PROXIES: commaList(
    z.string().refine(isAddressRange, 'must be addresses or ranges such as 10.0.0.0/8'),
  ).default([]),
  /** Web apps that browsers let call the gateway. */
  CORS_ORIGINS: commaList(
    z.string().refine(isOrigin, 'must be origins such as https://app.example.com'),
  ).default(['http://localhost:3000', 'http://localhost:4200']),
  /** How long a call may wait for Redis to count it before it is let in uncounted. */
  REDIS_TIMEOUT_MS: z.coerce.number().int().min(10).max(60_000).default(100),
  /** How long a service may take until it begins to answer. */
  UPSTREAM_TIMEOUT_MS: z.coerce.number().int().min(100).max(120_000).default(15_000),

  /** Sign-ups, sign-ins and mails asked for with one e-mail from one address; password checks of one account. */
  RATE_LIMIT_CREDENTIALS_PER_MINUTE: perMinute(20),
  /** The same from one address, whatever the e-mails: guessing across accounts. */
  RATE_LIMIT_CREDENTIALS_ADDRESS_PER_MINUTE: perMinute(300),
  /** Guests joining from one address; a dining room shares the venue's, a festival those of a few carriers. */
  RATE_LIMIT_JOIN_PER_MINUTE: perMinute(12_000),
  /** Calls with one ticket. */
  RATE_LIMIT_TICKET_PER_MINUTE: perMinute(120),
  /** Calls with tickets from one address, whatever the tickets. */
  RATE_LIMIT_TICKET_ADDRESS_PER_MINUTE: perMinute(120_000),
  /** Calls of one account. */
  RATE_LIMIT_ACCOUNT_PER_MINUTE: perMinute(12_000),
  /** Every other call, and calls without a good access token, from one address. */
  RATE_LIMIT_ADDRESS_PER_MINUTE: perMinute(3_000),
};

export type GatewayConfig = z.output<z.ZodObject<typeof gatewayEnv>>;
