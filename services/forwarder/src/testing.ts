import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { DeleteTableCommand } from '@aws-sdk/client-dynamodb';
import { testQueues } from '@queue-manager/events/testing';
import { ManualClock } from '@queue-manager/service-kit/clock';
import { readConfig } from '@queue-manager/service-kit/config';
import { testEnv, testLogger, uniqueName } from '@queue-manager/service-kit/testing';
import { addAccounts, connectTestDynamo, provisionAccounts } from '@queue-manager/user/testing';
import { forwarderLambdaEnv } from './config.ts';
import { createDeps } from './deps.ts';
import { provision } from './provision.ts';

/** What the external API got. */
export type Got = {
  key: string;
  authorization: string | undefined;
  body: { email: string; name: string };
  /** The status it answered with; null when it did not. */
  status: number | null;
};

/** A reply; `hang` never answers, `lose` takes the contact and closes the connection. */
export type Behaviour =
  | 'hang'
  | 'lose'
  | { status: number; headers?: Record<string, string>; body?: string };

/** A small HTTP server that replies as told: the external API. */
export async function startExternalApi() {
  const got: Got[] = [];
  /** Replies to the next requests; then all get 201. */
  const next: Behaviour[] = [];

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks = await Array.fromAsync(request as AsyncIterable<Buffer>);
    const behaviour = next.shift() ?? { status: 201 };
    got.push({
      key: String(request.headers['idempotency-key']),
      authorization: request.headers.authorization,
      body: JSON.parse(Buffer.concat(chunks).toString()),
      status: typeof behaviour === 'string' ? null : behaviour.status,
    });
    if (behaviour === 'hang') return;
    if (behaviour === 'lose') return request.socket.destroy();
    response.writeHead(behaviour.status, behaviour.headers).end(behaviour.body ?? '{}');
  };
  const listen = async (onPort: number) => {
    const server = createServer((request, response) => {
      answer(request, response).catch(() => request.socket.destroy());
    });
    server.listen(onPort, '127.0.0.1');
    await once(server, 'listening');
    return server;
  };
  let server = await listen(0);
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return {
    got,
    next,
    port,
    url: `http://127.0.0.1:${port}`,
    /** Cuts all connections, and listens on the same port again. */
    async restart() {
      await close();
      server = await listen(port);
    },
    close,
  };
}

export type ExternalApi = Awaited<ReturnType<typeof startExternalApi>>;

/** A target at the external API that takes a key. */
export const targetOf = (url: string) => ({
  url: `${url}/contacts`,
  headers: { authorization: 'Bearer {{key:api-key}}' },
  body: { email: '{{email}}', name: '{{name}}' },
});

/** Queues, tables and parameters of a test's own, and a way to write parameters. */
export async function startForwarderStores(test: TestContext) {
  const queues = await testQueues();
  const dynamo = connectTestDynamo();
  const tablePrefix = `${uniqueName('test')}-`;
  const folder = mkdtempSync(join(tmpdir(), 'queue-manager-forwarder-'));
  const env = {
    DYNAMODB_PREFIX: tablePrefix,
    SQS_PREFIX: queues.prefix,
    FORWARD_PARAMETERS_FOLDER: folder,
    FORWARD_PARAMETERS_CACHE_SECONDS: '0',
    FORWARD_TIMEOUT_SECONDS: '1',
    FORWARD_REQUESTS_PER_SECOND: '1000',
    FORWARD_ALLOW_PRIVATE: 'true',
  };
  testEnv('AWS_ENDPOINT_URL_DYNAMODB_STREAMS');
  await Promise.all([
    provisionAccounts(dynamo, tablePrefix),
    provision(env, { dynamo, sqs: queues.sqs }),
  ]);
  test.after(async () => {
    for (const table of ['signups', 'users', 'user-outbox', 'user-idempotency', 'forwarder']) {
      await dynamo.send(new DeleteTableCommand({ TableName: tablePrefix + table }));
    }
    dynamo.destroy();
    await queues.drop();
    rmSync(folder, { recursive: true });
  });
  return {
    env,
    queues,
    dynamo,
    tablePrefix,
    /** Writes a parameter; an object as JSON. */
    setParameter: (name: string, value: unknown) =>
      writeFileSync(
        join(folder, name),
        typeof value === 'string' ? `${value}\n` : JSON.stringify(value),
      ),
    removeParameter: (name: string) => rmSync(join(folder, name)),
  };
}

/** Both halves on stores of their own, with a target at an external API and its key. */
export async function startForwarder(test: TestContext, settings: Record<string, string> = {}) {
  const stores = await startForwarderStores(test);
  const api = await startExternalApi();
  const clock = new ManualClock();
  // SQS stamps messages with the real time.
  clock.set(new Date());
  const deps = createDeps(readConfig(forwarderLambdaEnv, { ...stores.env, ...settings }), {
    clock,
    logger: testLogger,
  });
  test.after(async () => {
    await deps.close();
    await api.close();
  });
  stores.setParameter('target', targetOf(api.url));
  stores.setParameter('api-key', 'first-key');
  return {
    ...stores,
    api,
    clock,
    deps,
    drain: (budgetMs = 60_000) => deps.drain({ budgetMs }),
    /** Adds accounts without waiting for their contacts. */
    addAccounts: (count: number) =>
      addAccounts({ dynamo: stores.dynamo, tablePrefix: stores.tablePrefix, clock }, count),
  };
}
