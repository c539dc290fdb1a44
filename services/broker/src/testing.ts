import { randomBytes, randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { apiKeyPrefix } from '@queue-manager/contracts/api-keys';
import { checkApiKey } from '@queue-manager/contracts/internal';
import { limits } from '@queue-manager/contracts/values';
import { createSqsClient } from '@queue-manager/events/client';
import { testQueues } from '@queue-manager/events/testing';
import type { Clock } from '@queue-manager/service-kit/clock';
import { createApp } from '@queue-manager/service-kit/create-app';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { createInternalClient } from '@queue-manager/service-kit/internal-client';
import { problems } from '@queue-manager/service-kit/problems';
import { connectRedis } from '@queue-manager/service-kit/redis';
import { route } from '@queue-manager/service-kit/route';
import { createSubscriptions } from '@queue-manager/service-kit/subscriptions';
import { testCredential, testEnv, testLogger, until } from '@queue-manager/service-kit/testing';
import { createBrokerApp } from './app.ts';
import type { BacklogLimits } from './store/message-store.ts';

/** A queue service that knows API keys only. */
export async function startKeyService() {
  const app = createApp({ logger: testLogger, internalCredential: testCredential, readiness: {} });
  const venues = new Map<string, string>();
  const service = {
    url: '',
    /** Number of checks. */
    checks: 0,
    isUnavailable: false,
    /** A key of a new venue, or of this one. */
    newKey(venueId: string = randomUUID()): { key: string; venueId: string; delete(): void } {
      const keyId = randomUUID();
      venues.set(keyId, venueId);
      const bytes = Buffer.concat([uuidToBytes(keyId), randomBytes(32)]);
      return {
        key: `${apiKeyPrefix}${bytes.toString('base64url')}`,
        venueId,
        delete: () => void venues.delete(keyId),
      };
    },
    close: () => app.close(),
  };
  app.route(
    route(checkApiKey, async ({ body: { keyId } }) => {
      service.checks += 1;
      if (service.isUnavailable) throw problems.unavailable();
      const venueId = venues.get(keyId);
      if (venueId === undefined) throw problems.notFound();
      return { venueId };
    }),
  );
  await app.listen({ host: '127.0.0.1', port: 0 });
  service.url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  return service;
}

export type KeyService = Awaited<ReturnType<typeof startKeyService>>;
// biome-ignore lint/suspicious/noExplicitAny: tests compare bodies as they are
export type Answer = { status: number; headers: Headers; text: string; body: any };
export type TestBroker = Awaited<ReturnType<typeof startBroker>>;

/** Starts a broker like `main.ts`. */
export async function startBroker(options: {
  clock: Clock;
  keys: KeyService;
  redisUrl?: string;
  deliveriesMax?: number;
  backlog?: Partial<BacklogLimits>;
  commandTimeoutMs?: number;
}) {
  const { redisUrl = testEnv('BROKER_REDIS_URL'), commandTimeoutMs = 5_000 } = options;
  const connection = { url: redisUrl, isCluster: false, commandTimeoutMs, logger: testLogger };
  const redis = connectRedis(connection);
  const queues = await testQueues();
  const app = createBrokerApp({
    redis,
    subscriptions: createSubscriptions(connection),
    queueService: createInternalClient({
      baseUrl: options.keys.url,
      credential: testCredential,
    }),
    sqs: createSqsClient(),
    sqsPrefix: queues.prefix,
    clock: options.clock,
    logger: testLogger,
    internalCredential: testCredential,
    deliveriesMax: options.deliveriesMax ?? limits.deliveriesMax,
    backlog: {
      messagesMax: 1_000,
      bytesMax: 10_000_000,
      ageDaysMax: 14,
      keysMax: 1_000,
      ...options.backlog,
    },
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  await until('Redis is connected', () => redis.status === 'ready');
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;

  /** Calls a route. A text is sent as it is, anything else as JSON. */
  async function call(
    method: string,
    path: string,
    options: {
      key?: string | undefined;
      body?: unknown;
      headers?: Record<string, string>;
      signal?: AbortSignal;
    } = {},
  ): Promise<Answer> {
    const { key, body, headers, signal } = options;
    const answer = await fetch(new URL(path, url), {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...headers,
      },
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text, body: JSON.parse(text) };
  }

  return {
    call,
    url,
    /** The calls of a venue's program. */
    program(key: string) {
      const query = (values: Record<string, string | number>) => {
        const search = new URLSearchParams();
        for (const [name, value] of Object.entries(values)) search.set(name, String(value));
        return `?${search}`;
      };
      return {
        publish: (body: unknown, headers: Record<string, string> = {}) =>
          call('POST', '/v1/publish', { key, body, headers }),
        consume: (
          cid: string | number,
          values: Record<string, string | number> = {},
          signal?: AbortSignal,
        ) =>
          call('GET', `/v1/consumer${query({ cid, ...values })}`, {
            key,
            ...(signal === undefined ? {} : { signal }),
          }),
        finish: (cid: string | number, id: string | number) =>
          call('DELETE', `/v1/consumer${query({ cid, id })}`, { key }),
        extend: (cid: string | number, id: string | number, visibility = 30) =>
          call('POST', `/v1/consumer/extend${query({ cid, id, visibility })}`, { key }),
        stats: () => call('GET', '/v1/consumer/stats', { key }),
        dead: (values: Record<string, string | number> = {}) =>
          call('GET', `/v1/consumer/dead${query(values)}`, { key }),
        requeue: (id: string, headers: Record<string, string> = {}) =>
          call('POST', `/v1/consumer/dead/${id}/requeue`, { key, headers }),
      };
    },
    /** Its message queues in SQS. */
    queues,
    async close() {
      await app.close();
      await queues.drop();
    },
  };
}

/** Checks a problem of the code, and returns the paths of its errors. */
export function problemOf(answer: Answer): string {
  const type: string = answer.body.type ?? '';
  return type.slice(type.lastIndexOf('/') + 1);
}
