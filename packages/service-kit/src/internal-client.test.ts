import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { contract } from '@queue-manager/contracts/contract';
import { z } from 'zod';
import { createApp } from './create-app.ts';
import { createInternalClient, UpstreamError } from './internal-client.ts';
import { route } from './route.ts';
import { closedPort, startRestartable, testCredential, testLogger } from './testing.ts';
import { runInContext } from './trace-context.ts';

const shared = {
  service: 'position',
  auth: 'internal',
  rateLimit: 'address',
  status: 200,
  response: z.object({ from: z.string() }),
} as const;
const read = contract({
  ...shared,
  operationId: 'read',
  summary: 'Read',
  method: 'GET',
  url: '/internal/things/:id',
  schema: {
    params: z.strictObject({ id: z.string() }),
    querystring: z.strictObject({ after: z.coerce.number(), limit: z.string().optional() }),
  },
});
const change = contract({
  ...shared,
  operationId: 'change',
  summary: 'Change',
  method: 'POST',
  url: '/internal/changes',
});
const repeatable = contract({
  ...shared,
  operationId: 'repeatable',
  summary: 'Change the same way twice',
  method: 'POST',
  url: '/internal/repeatable',
  isRepeatable: true,
});

/** A process of the service; `breaksOff` destroys the connection of each call before it is answered. */
async function startProcess(test: TestContext, name: string, breaksOff = false) {
  const app = createApp({ logger: testLogger, readiness: {}, internalCredential: testCredential });
  const asked: string[] = [];
  app.addHook('onRequest', async (request, reply) => {
    asked.push(request.url);
    if (!breaksOff) return;
    reply.hijack();
    request.raw.socket.destroy();
  });
  app.route(route(read, async () => ({ from: name })));
  app.route(route(change, async () => ({ from: name })));
  app.route(route(repeatable, async () => ({ from: name })));
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  test.after(() => app.close());
  return { url, asked };
}

const closedUrl = async () => `http://127.0.0.1:${await closedPort()}`;

function clientOf(test: TestContext, baseUrl: string | string[]) {
  const client = createInternalClient({ baseUrl, credential: testCredential });
  test.after(() => client.close());
  return client;
}

const input = { params: { id: 'a/b' }, query: { after: 7 } };

describe('createInternalClient with several processes', () => {
  it('calls the processes round robin', async (t) => {
    const [a, b, c] = [
      await startProcess(t, 'a'),
      await startProcess(t, 'b'),
      await startProcess(t, 'c'),
    ];
    const client = clientOf(t, [a.url, b.url, c.url]);
    const answers = [];
    for (let call = 0; call < 6; call++) answers.push((await client.call(read, input)).from);
    assert.deepEqual(answers, ['a', 'b', 'c', 'a', 'b', 'c']);
    assert.deepEqual(a.asked, Array(2).fill('/internal/things/a%2Fb?after=7'));
  });

  it('tries the next address when one refuses the connection, for any call', async (t) => {
    const good = await startProcess(t, 'good');
    const client = clientOf(t, [await closedUrl(), good.url]);
    for (let call = 0; call < 4; call++) {
      assert.equal((await client.call(change, {})).from, 'good');
      assert.equal((await client.call(read, input)).from, 'good');
    }
    assert.equal(good.asked.length, 8);
  });

  it('repeats a call whose connection was lost only when the contract allows it', async (t) => {
    const broken = await startProcess(t, 'broken', true);
    const good = await startProcess(t, 'good');
    const answers = [];
    for (const contract of [read, change, repeatable]) {
      const client = clientOf(t, [broken.url, good.url]);
      answers.push(
        await client.call(contract as typeof read, input).then(
          ({ from }) => from,
          (error: unknown) => error instanceof UpstreamError && 'unavailable',
        ),
      );
    }
    assert.deepEqual(answers, ['good', 'unavailable', 'good']);
    assert.equal(broken.asked.length, 3);
  });

  it('throws UpstreamError when no process accepts a connection in time', async (t) => {
    const client = clientOf(t, [await closedUrl(), await closedUrl()]);
    const inTime = { ...input, timeoutMs: 100 };
    await assert.rejects(client.call(read, inTime), UpstreamError);
    // Avoided addresses are still tried when there is no other.
    await assert.rejects(client.call(read, inTime), UpstreamError);
  });
});

describe('createInternalClient whose only process restarts', () => {
  const done = contract({
    ...shared,
    operationId: 'done',
    summary: 'Done',
    response: z.object({}),
    method: 'POST',
    url: '/internal/done',
  });

  it('lets calls wait until it accepts connections, and sends each once', async (t) => {
    const service = await startRestartable(t);
    const client = clientOf(t, service.url);
    await service.stop();
    const waiting = [client.call(done, {}), client.call(done, {})];
    // Refused after the calls.
    await assert.rejects(fetch(service.url));
    await service.start();
    assert.deepEqual(await Promise.all(waiting), [{}, {}]);
    assert.deepEqual(service.received, ['POST', 'POST']);
  });

  it('lets a call wait for longer than it may take, but not beyond the deadline of its request', async (t) => {
    const service = await startRestartable(t);
    const timeoutMs = 50;
    const client = createInternalClient({
      baseUrl: service.url,
      credential: testCredential,
      timeoutMs,
    });
    t.after(() => client.close());
    await service.stop();
    const within = (ms: number) =>
      runInContext({}, () => client.call(done, {}), { at: performance.now() + ms });
    const waiting = within(60_000);
    await delay(2 * timeoutMs);
    await assert.rejects(within(timeoutMs), UpstreamError);
    await service.start();
    assert.deepEqual(await waiting, {});
    assert.deepEqual(service.received, ['POST']);
  });

  it('repeats a read once, at the same address, when its connection was lost', async (t) => {
    const broken = await startProcess(t, 'broken', true);
    const client = clientOf(t, broken.url);
    await assert.rejects(client.call(read, input), UpstreamError);
    assert.equal(broken.asked.length, 2);
    await assert.rejects(client.call(change, {}), UpstreamError);
    assert.equal(broken.asked.length, 3);
  });
});
