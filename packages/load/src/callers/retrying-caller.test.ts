import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { callNext } from '@queue-manager/contracts/parties';
import { getJwks } from '@queue-manager/contracts/tokens';
import { createCaller, successOf } from './retrying-caller.ts';

const params = { queueId: '0198f3a0-0000-7000-8000-000000000001' };
const problem = JSON.stringify({
  type: 'https://queue-manager.dev/problems/nobody-waiting',
  title: 'No matching party is waiting',
  status: 409,
  detail: 'Nobody is waiting.',
  requestId: '1',
});

/** A server that runs one step per request, and a caller of it. */
async function startServer(
  context: TestContext,
  steps: ((request: IncomingMessage, response: ServerResponse) => void)[],
  patienceMs?: number,
) {
  const keys: unknown[] = [];
  const notes: (string | null)[] = [];
  const server = createServer((request, response) => {
    keys.push(request.headers['idempotency-key']);
    const step = steps.length > 1 ? steps.shift() : steps[0];
    step?.(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const caller = createCaller({
    gatewayUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    signal: context.signal,
    note: (text) => notes.push(text),
    ...(patienceMs === undefined ? {} : { patienceMs }),
  });
  return { caller, keys, notes };
}

const hangUp = (request: IncomingMessage) => void request.socket.destroy();
const refuse = (status: number, retryAfter?: string) => (_: unknown, response: ServerResponse) => {
  response.writeHead(status, retryAfter === undefined ? {} : { 'retry-after': retryAfter });
  response.end(problem);
};

describe('createCaller', () => {
  it('retries without an answer, after 503 and after 429, with the same key', async (context) => {
    const { caller, keys, notes } = await startServer(context, [
      hangUp,
      refuse(503, '0'),
      refuse(429, '0'),
      refuse(409),
    ]);
    const { answer } = await caller.call(callNext, { params });
    assert.equal(answer.status, 409);
    assert.equal(answer.ok, false);
    assert.deepEqual(caller.retries, { throttled: 1, unavailable: 1, unanswered: 1 });
    assert.equal(keys.length, 4);
    assert.match(String(keys[0]), /^[0-9a-f-]{36}$/);
    assert.equal(new Set(keys).size, 1);
    assert.equal(notes.at(-1), null);

    await caller.call(callNext, { params });
    assert.notEqual(keys[4], keys[0]);
  });

  it('gives up with a one-line error when the system stays unavailable', async (context) => {
    const { caller } = await startServer(context, [hangUp], 500);
    await assert.rejects(caller.call(callNext, { params }), (error: Error) => {
      assert.equal(error.name, 'StackError');
      assert.match(error.message, /gave up: .* did not answer \(POST \/v1\/queues/);
      return true;
    });
  });

  it('waits as long as Retry-After asks, within its patience', async (context) => {
    const { caller } = await startServer(context, [refuse(429, '30')], 500);
    await assert.rejects(caller.call(callNext, { params }), /answered 429/);
    assert.equal(caller.retries.throttled, 1);
  });

  it('sends no key with methods other than POST', async (context) => {
    const { caller, keys } = await startServer(context, [refuse(404)]);
    const { answer } = await caller.call(getJwks, {});
    assert.deepEqual(keys, [undefined]);
    assert.throws(() => successOf(getJwks, answer), /GET .*jwks\.json was refused: 404 Nobody is/);
  });

  it('rejects an answer that does not match its contract', async (context) => {
    const { caller } = await startServer(context, [
      (_, response) => void response.end('{"keys":"none"}'),
    ]);
    await assert.rejects(caller.call(getJwks, {}), { name: 'StackError' });
  });
});
