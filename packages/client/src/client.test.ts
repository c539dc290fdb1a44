import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { callNext } from '@queue-manager/contracts/parties';
import { getJwks } from '@queue-manager/contracts/tokens';
import { createClient, everyItem, pathTo, problemCode } from './client.ts';

const ana = { name: 'Ana Lima', email: 'ana@example.com', password: 'a long pass phrase' };

async function clientOf(
  context: TestContext,
  status: number,
  body: string,
  onRequest: (request: IncomingMessage) => void = () => {},
) {
  const server = createServer((request, response) => {
    onRequest(request);
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  context.after(() => server.close());
  return createClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

describe('createClient', () => {
  it('returns the body of a success as its contract states', async (context) => {
    const { succeed } = await clientOf(context, 200, '{"keys":[]}');
    assert.deepEqual(await succeed(getJwks, {}), { keys: [] });
  });

  it('rejects a success that does not match its contract', async (context) => {
    const { call } = await clientOf(context, 200, '{"keys":"none"}');
    await assert.rejects(call(getJwks, {}), { name: 'UnexpectedAnswer' });
  });

  it('returns or throws the problem of a refusal', async (context) => {
    const problem = { type: 'about:blank', title: 'No', status: 404, detail: 'Not here.' };
    const { call, succeed } = await clientOf(context, 404, JSON.stringify(problem));
    const options = { params: { queueId: 'a/b' } };
    const answer = await call(callNext, options);
    assert.deepEqual([answer.ok, !answer.ok && answer.problem], [false, problem]);
    await assert.rejects(succeed(callNext, options), {
      name: 'RefusedCall',
      message: 'POST /v1/queues/:queueId/call-next was refused: 404 Not here.',
      status: 404,
    });
  });

  it('returns no problem for a refusal that is not problem+json', async (context) => {
    const { call } = await clientOf(context, 502, '<html>');
    const answer = await call(getJwks, {});
    assert.equal(!answer.ok && answer.problem, null);
  });
});

describe('a route by its operationId', () => {
  it('is called as its contract says, and its success is not checked', async (context) => {
    const requests: string[] = [];
    const { succeed } = await clientOf(context, 200, '{"number":7}', ({ method, url }) => {
      requests.push(`${method} ${url}`);
    });
    // The body of this route may be left out; its type is that of the schema behind the default.
    const party = await succeed('callNext', { params: { queueId: 'a/b' }, body: { minSize: 2 } });
    assert.equal(party.number, 7);
    await succeed('listQueues', { params: { venueId: 'v' }, query: { limit: 5 } });
    assert.deepEqual(requests, [
      'POST /v1/queues/a%2Fb/call-next',
      'GET /v1/venues/v/queues?limit=5',
    ]);
  });

  it('is refused with any status but its own', async (context) => {
    const { call } = await clientOf(context, 200, '{}');
    assert.equal((await call('signUp', { body: ana })).ok, false);
  });

  it('has a path for what opens addresses itself', () => {
    assert.equal(pathTo('liveTicket', { params: { ticket: 'x' } }), '/v1/live/tickets/x');
  });
});

describe('problemCode', () => {
  it('is the end of the type of a problem', () => {
    const problem = { title: '', status: 409, detail: '', requestId: '' };
    const type = 'https://queue-manager.dev/problems/queue-full';
    assert.equal(problemCode({ ...problem, type }), 'queue-full');
    assert.equal(problemCode(null), null);
  });
});

describe('everyItem', () => {
  it('reads pages until there is no cursor', async () => {
    const pages = [
      { data: [1, 2], nextCursor: 'next' },
      { data: [3], nextCursor: null },
    ];
    const cursors: unknown[] = [];
    const items = everyItem(async ({ cursor }) => {
      cursors.push(cursor);
      return pages.shift() as (typeof pages)[number];
    });
    assert.deepEqual(await Array.fromAsync(items), [1, 2, 3]);
    assert.deepEqual(cursors, [undefined, 'next']);
  });
});
