import { randomBytes, randomUUID } from 'node:crypto';
import { DeleteTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Event, EventOf } from '@queue-manager/contracts/events';
import { getMembershipsOf } from '@queue-manager/contracts/internal';
import type { User } from '@queue-manager/contracts/users';
import { type TestQueues, testQueues } from '@queue-manager/events/testing';
import type { QueueName } from '@queue-manager/events/topology';
import { createAccessTokenVerifier } from '@queue-manager/service-kit/access-tokens';
import { type Clock, ManualClock } from '@queue-manager/service-kit/clock';
import { readConfig } from '@queue-manager/service-kit/config';
import { createApp } from '@queue-manager/service-kit/create-app';
import { connectDynamo, provisionTables } from '@queue-manager/service-kit/dynamo';
import { newId } from '@queue-manager/service-kit/ids';
import { credentialHeader } from '@queue-manager/service-kit/internal-credential';
import { route } from '@queue-manager/service-kit/route';
import {
  testCredential,
  testEnv,
  testLogger,
  uniqueName,
  until,
} from '@queue-manager/service-kit/testing';
import { createLocalJWKSet, exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { z } from 'zod';
import { createUserApp } from './app.ts';
import { userEnv } from './config.ts';
import { createDeps, type DepsOptions } from './deps.ts';
import { readOutbox } from './outbox/outbox.ts';
import { type Account, putAccount } from './store/accounts.ts';
import { type Store, tablesOf } from './store/tables.ts';
import { transact } from './store/transact.ts';

export const accountUrl = 'http://accounts.test/app';
export const password = 'a long walk home';

type Membership = z.infer<(typeof getMembershipsOf)['response']>['memberships'][number];
type Mail = EventOf<'mail.requested'>['data'] & { eventId: string; token: string | null };

/** The DynamoDB of `npm test`. Tests use tables with unique names. */
export function connectTestDynamo() {
  testEnv('AWS_ENDPOINT_URL_DYNAMODB');
  return connectDynamo();
}

/** Stores with unique names for one test file. */
export async function startTestStores() {
  const dynamo = connectTestDynamo();
  const queues = await testQueues();
  return { dynamo, tablePrefix: `${uniqueName('test')}-`, queues };
}

/** A fake queue service that returns `memberships`. */
async function startQueueUpstream() {
  const memberships: Membership[] = [];
  const app = createApp({ logger: testLogger, internalCredential: testCredential, readiness: {} });
  app.route(route(getMembershipsOf, async () => ({ memberships })));
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return { url, memberships, close: () => app.close() };
}

/** The user service on real stores, listening on a free port, with a manual clock. */
export async function startUserService(
  options: {
    clock?: ManualClock;
    stores?: Awaited<ReturnType<typeof startTestStores>>;
    verifyAccessToken?: DepsOptions['verifyAccessToken'];
  } = {},
) {
  const clock = options.clock ?? new ManualClock();
  const { dynamo, tablePrefix, queues } = options.stores ?? (await startTestStores());
  const queueService = await startQueueUpstream();
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const keys = createLocalJWKSet({ keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256' }] });
  const config = readConfig(userEnv, {
    PORT: '0',
    INTERNAL_CREDENTIAL: testCredential,
    AUTH_SERVICE_URL: 'http://127.0.0.1:1',
    QUEUE_SERVICE_URL: queueService.url,
    PUBLIC_URL: 'http://public.test',
    ACCOUNT_URL: accountUrl,
    ACCOUNT_TOKEN_SECRET: randomBytes(32).toString('base64url'),
    DYNAMODB_PREFIX: tablePrefix,
    SQS_PREFIX: queues.prefix,
  });
  const deps = await createDeps(config, {
    dynamo,
    sqs: queues.sqs,
    clock,
    logger: testLogger,
    verifyAccessToken: options.verifyAccessToken ?? createAccessTokenVerifier({ clock, keys }),
  });
  await provisionTables(dynamo, Object.values(deps.tables));
  const app = createUserApp(deps);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });

  async function call(
    method: 'GET' | 'POST' | 'PATCH',
    path: string,
    sent: { body?: unknown; headers?: Record<string, string>; key?: string } = {},
    // biome-ignore lint/suspicious/noExplicitAny: tests read the fields they expect
  ): Promise<{ status: number; body: any; headers: Record<string, unknown> }> {
    const response = await app.inject({
      method,
      url: path,
      headers: {
        ...sent.headers,
        ...(sent.key === undefined ? {} : { 'idempotency-key': sent.key }),
      },
      ...(sent.body === undefined ? {} : { payload: sent.body as object }),
    });
    const body = response.body === '' ? undefined : response.json();
    return { status: response.statusCode, body, headers: response.headers };
  }
  const post = (path: string, body: unknown, key?: string) =>
    call('POST', path, { body, ...(key === undefined ? {} : { key }) });
  const internal = { [credentialHeader]: testCredential };

  /** Headers with an access token of a session. */
  async function signedIn(userId: string, sessionId = newId(clock)) {
    const seconds = Math.floor(clock.now().getTime() / 1_000);
    const token = await new SignJWT({ sid: sessionId })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt' })
      .setIssuer('queue-manager')
      .setAudience('queue-manager')
      .setSubject(userId)
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + 900)
      .sign(privateKey);
    return { authorization: `Bearer ${token}` };
  }

  const inbox = createInbox(queues);
  /** All events that were sent to a queue so far, once the outbox is empty. */
  async function events(queue: QueueName): Promise<Event[]> {
    await until('the outbox is empty', async () => {
      for await (const items of readOutbox(deps)) if (items.length > 0) return false;
      return true;
    });
    return inbox.read(queue);
  }

  async function mails(address?: string): Promise<Mail[]> {
    const all = (await events('mails')) as EventOf<'mail.requested'>[];
    return all
      .map(({ id, data }) => ({
        ...data,
        eventId: id,
        token: 'link' in data.content ? new URL(data.content.link).searchParams.get('token') : null,
      }))
      .filter(({ to }) => address === undefined || to.toLowerCase() === address.toLowerCase());
  }

  /** The token of the latest mail to an address that has one. */
  async function mailedToken(address: string): Promise<string> {
    const token = (await mails(address)).findLast((mail) => mail.token !== null)?.token;
    if (!token) throw new Error('No mail has a token');
    return token;
  }

  /** Signs up and verifies an account. */
  async function openAccount(fields: { email?: string; name?: string; locale?: string } = {}) {
    const email = fields.email ?? randomEmail();
    const asked = await post('/v1/users', { name: 'Ana Sousa', email, password, ...fields });
    if (asked.status !== 202) throw new Error(`Sign-up returned ${asked.status}`);
    const verified = await post('/v1/users/verify', { token: await mailedToken(email) });
    if (verified.status !== 200) throw new Error(`Verification returned ${verified.status}`);
    const user = verified.body as User;
    return { user, email, headers: await signedIn(user.id) };
  }

  /** Checks credentials as the auth service does. */
  const checkCredentials = (email: string, offered: string) =>
    call('POST', '/internal/credentials/check', {
      body: { email, password: offered },
      headers: internal,
    });
  const getAccount = (id: string) => call('GET', `/internal/users/${id}`, { headers: internal });

  /** Starts another process of the service. */
  async function startAnother(port: number): Promise<{ close(): Promise<void> }> {
    const another = createUserApp(deps);
    await another.listen({ host: '127.0.0.1', port });
    return { close: () => another.close() };
  }

  async function close() {
    await app.close();
    await queueService.close();
    if (options.stores !== undefined) return;
    for (const { name } of Object.values(deps.tables)) {
      await dynamo.send(new DeleteTableCommand({ TableName: name }));
    }
    dynamo.destroy();
    await queues.drop();
  }

  return {
    app,
    url,
    deps,
    config,
    clock,
    dynamo,
    queues,
    queueService,
    call,
    post,
    signedIn,
    events,
    mails,
    mailedToken,
    openAccount,
    checkCredentials,
    getAccount,
    startAnother,
    close,
  };
}

export type UserService = Awaited<ReturnType<typeof startUserService>>;

export const randomEmail = () => `guest-${randomUUID()}@example.com`;

/** Keeps received events, since a message is received once. Reads wait for each other: the events of one may be in another. */
function createInbox(queues: TestQueues) {
  const received = new Map<QueueName, Event[]>();
  let latest: Promise<unknown> = Promise.resolve();

  async function receiveAll(queue: QueueName): Promise<Event[]> {
    const events = received.get(queue) ?? [];
    received.set(queue, events);
    for (;;) {
      const messages = await queues.receive(queue);
      if (messages.length === 0) return events;
      events.push(...messages.map(({ Body = '' }) => JSON.parse(Body) as Event));
    }
  }

  return {
    read(queue: QueueName): Promise<Event[]> {
      const read = latest.then(() => receiveAll(queue));
      latest = read.catch(() => undefined);
      return read;
    },
  };
}

/**
 * Adds verified accounts as `verify-user` does, one after the other, without their sign-ups: hashing that many passwords
 * takes minutes.
 */
export async function addAccounts(
  options: { dynamo: DynamoDBClient; tablePrefix: string; clock: Clock },
  count: number,
): Promise<Account[]> {
  const store: Store = {
    db: DynamoDBDocumentClient.from(options.dynamo),
    tables: tablesOf(options.tablePrefix),
    clock: options.clock,
  };
  const accounts: Account[] = [];
  for (let added = 0; added < count; added++) {
    const now = store.clock.now().toISOString();
    const account: Account = {
      id: newId(store.clock),
      name: 'Ana Sousa',
      email: randomEmail(),
      locale: 'pt',
      passwordHash: 'never-leaves-the-table',
      passwordVersion: 1,
      keptSessionId: null,
      createdAt: now,
      verifiedAt: now,
    };
    const refused = await transact(store.db, putAccount(store, account));
    if (refused.length > 0) throw new Error(`Refused: ${refused.join(', ')}`);
    accounts.push(account);
  }
  return accounts;
}

/** Creates the tables of accounts with a prefix. */
export function provisionAccounts(dynamo: DynamoDBClient, tablePrefix: string): Promise<void> {
  return provisionTables(dynamo, Object.values(tablesOf(tablePrefix)));
}
