import { fileURLToPath } from 'node:url';
import { commaList, Flag, RedisUrl, serviceEnv, Url } from '@queue-manager/service-kit/config';
import { z } from 'zod';

const perMinute = (byDefault: number) => z.coerce.number().int().min(1).default(byDefault);

/** An address, a range, or the name of a range in Fastify's `trustProxy`. */
const AddressRange = z.union(
  [z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6(), z.enum(['loopback', 'linklocal', 'uniquelocal'])],
  'must be addresses or ranges such as 10.0.0.0/8',
);

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}

/** The base URL of a service, without a path: contracts define the paths. */
const ServiceUrl = Url.refine((text) => new URL(text).pathname === '/', 'must have no path');

const builtApp = (name: string) =>
  z.string().default(fileURLToPath(new URL(`../../../apps/${name}/dist`, import.meta.url)));

export const gatewayEnv = {
  ...serviceEnv,
  AUTH_SERVICE_URL: ServiceUrl,
  USER_SERVICE_URL: ServiceUrl,
  QUEUE_SERVICE_URL: ServiceUrl,
  /** One URL per process, separated by commas. */
  POSITION_SERVICE_URL: commaList(ServiceUrl),
  /** One URL per process, separated by commas. */
  BROKER_SERVICE_URL: commaList(ServiceUrl),
  /** For the readiness check only. */
  MAILER_SERVICE_URL: ServiceUrl.optional(),
  /** Holds the counts of rate limits that all gateways share. */
  REDIS_URL: RedisUrl,
  /** Whether REDIS_URL is a Redis Cluster; its other nodes are discovered. */
  REDIS_CLUSTER: Flag,
  /** Addresses and ranges of proxies in front of the gateway, whose `X-Forwarded-*` headers are trusted. */
  TRUSTED_PROXIES: commaList(AddressRange).default([]),
  /** Folders of the guests' app and the backoffice, as their builds wrote them. */
  CUSTOMER_APP_DIR: builtApp('customer'),
  BACKOFFICE_APP_DIR: builtApp('backoffice'),
  /** Origins of other web apps that may call the gateway. */
  CORS_ORIGINS: commaList(
    z.string().refine(isOrigin, 'must be origins such as https://app.example.com'),
  ).default(['http://localhost:3000', 'http://localhost:4200']),
  /** How long a call waits for Redis before this process counts it alone. */
  REDIS_TIMEOUT_MS: z.coerce.number().int().min(10).max(60_000).default(100),
  /** Event streams of this process; by default, as many as its limit of file descriptors allows besides calls. */
  STREAMS_MAX: z.coerce.number().int().min(1).optional(),
  /** How long a client may take to send a request, or to take any part of a response. */
  CLIENT_TIMEOUT_MS: z.coerce.number().int().min(100).max(600_000).default(30_000),
  /** Share of requests that are traced, where traces are exported. */
  TRACE_RATIO: z.coerce.number().min(0).max(1).default(0.01),
  /** How long a call may take. */
  UPSTREAM_TIMEOUT_MS: z.coerce.number().int().min(100).max(120_000).default(15_000),

  /** Per e-mail and address: sign-ups, sign-ins and requested mails. Per account: password checks. */
  RATE_LIMIT_CREDENTIALS_PER_MINUTE: perMinute(20),
  /** The same per address, for any e-mails: protects against guessing across accounts. */
  RATE_LIMIT_CREDENTIALS_ADDRESS_PER_MINUTE: perMinute(300),
  /** Joins per address. A dining room shares one address, a festival those of a few carriers. */
  RATE_LIMIT_JOIN_PER_MINUTE: perMinute(12_000),
  /** Calls per ticket. */
  RATE_LIMIT_TICKET_PER_MINUTE: perMinute(120),
  /** Calls with any tickets per address, and calls with any API keys. */
  RATE_LIMIT_TICKET_ADDRESS_PER_MINUTE: perMinute(120_000),
  /** Calls per API key. */
  RATE_LIMIT_KEY_PER_MINUTE: perMinute(60_000),
  /** Calls per account. */
  RATE_LIMIT_ACCOUNT_PER_MINUTE: perMinute(12_000),
  /** Per address: all other calls, and calls without a valid access token. */
  RATE_LIMIT_ADDRESS_PER_MINUTE: perMinute(3_000),
};

export type GatewayConfig = z.output<z.ZodObject<typeof gatewayEnv>>;
