import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { json } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { contract } from '@queue-manager/contracts/contract';
import { z } from 'zod';
import { createApp } from './create-app.ts';
import { createInternalClient } from './internal-client.ts';
import { batched } from './limits/batched.ts';
import { route } from './route.ts';
import { recordingLogger, testCredential } from './testing.ts';
import {
  currentContext,
  currentDeadline,
  runInContext,
  wellFormedContext,
  withoutDeadline,
} from './trace-context.ts';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

const ask = contract({
  operationId: 'ask',
  summary: 'Ask',
  service: 'queue',
  method: 'POST',
  url: '/v1/asks',
  auth: 'public',
  rateLimit: 'address',
  schema: { body: z.strictObject({ text: z.string() }) },
  status: 200,
  response: z.object({ requestId: z.string().optional(), traceparent: z.string().optional() }),
});
const inner = contract({ ...ask, operationId: 'inner', url: '/internal/asks', auth: 'internal' });

/** A service that calls itself, so that its responses show the context carried between services. */
async function startService(test: TestContext) {
  const { logger, lines } = recordingLogger();
  const app = createApp({ logger, readiness: {}, internalCredential: testCredential });
  const isAsked = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let asked = 0;
  const clients: ReturnType<typeof createInternalClient>[] = [];
  app.route(
    route(ask, async (request) => {
      isAsked[asked]?.resolve();
      asked += 1;
      // Both requests are in the handler at the same time.
      await Promise.all(isAsked.map(({ promise }) => promise));
      logger.info({ text: request.body.text }, 'asking');
      request.log.info({ text: request.body.text }, 'asked');
      return (clients[0] as (typeof clients)[0]).call(inner, { body: request.body });
    }),
  );
  app.route(route(inner, async () => currentContext() ?? {}));
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  clients.push(createInternalClient({ baseUrl: url, credential: testCredential }));
  test.after(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await app.close();
  });
  const send = async (text: string, headers: Record<string, string>) => {
    const isHandled = once(app.server, 'request');
    const call = request(`${url}/v1/asks`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
    });
    const answered = once(call, 'response') as Promise<[IncomingMessage]>;
    call.flushHeaders();
    // The body is sent once the handler has seen the headers.
    await isHandled;
    call.end(JSON.stringify({ text }));
    const [answer] = await answered;
    return json(answer);
  };
  return { send, lines };
}

describe('trace context', () => {
  it('stays with its request after reading a body, across services and in the log', async (test) => {
    const { send, lines } = await startService(test);
    const answers = await Promise.all([
      send('one', { 'x-request-id': 'req-1', traceparent }),
      send('two', { 'x-request-id': 'req-2', traceparent: 'not\tone' }),
    ]);
    assert.deepEqual(answers, [{ requestId: 'req-1', traceparent }, { requestId: 'req-2' }]);
    for (const [text, requestId] of [
      ['one', 'req-1'],
      ['two', 'req-2'],
    ]) {
      const own = lines.filter((line) => line.includes(`"text":"${text}"`));
      assert.equal(own.length, 2);
      for (const line of own) {
        assert.equal(JSON.parse(line).requestId, requestId);
        assert.equal(line.match(/"requestId"/g)?.length, 1, line);
      }
    }
    assert.equal(currentContext(), undefined);
  });

  it('is empty in a batch', async () => {
    const contexts: unknown[] = [];
    const work = batched<number, void>(
      async () => {
        contexts.push(currentContext());
        return [];
      },
      { max: 10 },
    );
    await Promise.all([1, 2].map((id) => runInContext({ requestId: `req-${id}` }, () => work(id))));
    assert.deepEqual(contexts, [{}]);
  });

  it('holds only well-formed ids', () => {
    assert.deepEqual(wellFormedContext({ requestId: 'a b', traceparent: `${traceparent}-x` }), {});
    assert.deepEqual(wellFormedContext({ requestId: null, traceparent }), { traceparent });
    assert.deepEqual(wellFormedContext({ requestId: 'a'.repeat(65) }), {});
  });

  it('has a deadline for the request alone', () => {
    const context = { requestId: 'r' };
    const soon = { at: performance.now() + 60_000 };
    runInContext(
      context,
      () => {
        assert.equal(currentDeadline(), soon.at);
        withoutDeadline(() => {
          assert.equal(currentDeadline(), undefined);
          assert.equal(currentContext(), context);
        });
        runInContext({}, () => assert.equal(currentDeadline(), undefined));
      },
      soon,
    );
    const passed = { at: performance.now() - 1 };
    runInContext(context, () => assert.equal(currentDeadline(), passed.at), passed);
    const longAgo = { at: performance.now() - 31_000 };
    runInContext(context, () => assert.equal(currentDeadline(), undefined), longAgo);
  });
});
