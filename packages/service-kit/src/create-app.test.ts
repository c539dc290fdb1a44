import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { contract } from '@queue-manager/contracts/contract';
import { optionalBody, Uuid } from '@queue-manager/contracts/values';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { createApp } from './create-app.ts';
import { credentialHeader } from './internal-credential.ts';
import { remainingMs } from './limits/deadline.ts';
import { problems } from './problems.ts';
import { route } from './route.ts';
import { recordingLogger, testCredential, testLogger } from './testing.ts';

const greet = contract({
  operationId: 'greet',
  summary: 'Greet',
  service: 'queue',
  method: 'POST',
  url: '/v1/greetings/:id',
  auth: 'public',
  rateLimit: 'address',
  schema: {
    params: z.strictObject({ id: Uuid }),
    querystring: z.strictObject({ limit: z.coerce.number().int().max(10).default(5) }),
    body: z.strictObject({ name: z.string().min(1) }),
  },
  status: 201,
  response: z.object({ text: z.string().nullable(), limit: z.int() }),
});
const rest = contract({
  operationId: 'rest',
  summary: 'Rest',
  service: 'queue',
  method: 'POST',
  url: '/v1/rests',
  auth: 'public',
  rateLimit: 'address',
  schema: { body: optionalBody({ seconds: z.int().default(7) }) },
  status: 200,
  response: z.object({ seconds: z.int() }),
});
const inside = contract({
  operationId: 'inside',
  summary: 'Inside',
  service: 'queue',
  method: 'GET',
  url: '/internal/inside',
  auth: 'internal',
  rateLimit: 'address',
  status: 204,
});
const broken = contract({ ...inside, operationId: 'broken', url: '/v1/broken', auth: 'public' });
const unavailable = contract({ ...broken, operationId: 'unavailable', url: '/v1/unavailable' });

const stream = contract({
  ...greet,
  operationId: 'stream',
  method: 'GET',
  url: '/v1/streams/:ticket',
  auth: 'ticket',
  schema: { params: z.strictObject({ ticket: z.string() }) },
  status: 200,
  response: { contentType: 'text/event-stream' },
  problems: ['not-found'],
});

const id = '0198f3a0-0000-7000-8000-000000000001';

describe('createApp', () => {
  let app: FastifyInstance;
  let isStoreUp = true;

  before(async () => {
    app = createApp({
      logger: testLogger,
      internalCredential: testCredential,
      readiness: {
        store: async () => {
          if (!isStoreUp) throw new Error('unavailable');
        },
      },
    });
    app.route(
      route(greet, async ({ body, query, params }) => ({
        text: params.id === id ? `Hello ${body.name}` : null,
        limit: query.limit,
        secret: 'never leaves',
      })),
    );
    app.route(route(rest, async ({ body }) => body));
    app.route(route(inside, async () => undefined));
    app.route(
      route(broken, async () => {
        throw new TypeError('SELECT secret FROM wall');
      }),
    );
    app.route(
      route(unavailable, async () => {
        throw Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
      }),
    );
    await app.ready();
  });
  after(() => app.close());

  const post = (url: string, payload?: unknown, headers: Record<string, string> = {}) =>
    app.inject({
      method: 'POST',
      url,
      headers,
      ...(payload === undefined ? {} : { payload: payload as object }),
    });

  it('validates, responds with the contract’s status and drops fields that the contract does not name', async () => {
    const answer = await post(`/v1/greetings/${id}?limit=3`, { name: 'Ana' });
    assert.equal(answer.statusCode, 201);
    assert.deepEqual(answer.json(), { text: 'Hello Ana', limit: 3 });
    const other = await post('/v1/greetings/0198f3a0-0000-7000-8000-000000000002', { name: 'Ana' });
    assert.deepEqual(other.json(), { text: null, limit: 5 });
  });

  it('takes the deadline from the header, lets streams have none, and lifts it after the response', async (t) => {
    const seen: (number | undefined)[] = [];
    const begun = Promise.withResolvers<void>();
    const later = begun.promise.then(() => undefined);
    const timed = createApp({
      logger: testLogger,
      internalCredential: testCredential,
      readiness: {},
    });
    t.after(() => timed.close());
    let background: Promise<void> = Promise.resolve();
    timed.route(
      route(rest, async ({ body }) => {
        seen.push(remainingMs());
        background = later.then(() => void seen.push(remainingMs()));
        return body;
      }),
    );
    timed.route(
      route(stream, async () => {
        seen.push(remainingMs());
        return 'data: 1\n\n';
      }),
    );
    const headers = { 'x-deadline-ms': '60000' };
    await timed.inject({ method: 'POST', url: '/v1/rests', headers });
    begun.resolve();
    await background;
    await timed.inject({ url: '/v1/streams/t', headers });
    await timed.inject({ method: 'POST', url: '/v1/rests', headers: { 'x-deadline-ms': 'soon' } });
    await background;
    const [first = 0, ...others] = seen;
    assert.ok(first > 0 && first <= 60_000, `${first} ms`);
    assert.deepEqual(others, Array(4).fill(undefined));
  });

  it('explains that a field is missing or of the wrong type', async () => {
    for (const [body, message] of [
      [{}, 'is required'],
      [{ name: 7 }, 'must be a string'],
    ] as const) {
      const { errors } = (await post(`/v1/greetings/${id}`, body)).json();
      assert.deepEqual(errors, [{ path: 'name', message }]);
    }
  });

  it('names the invalid field, also an unknown or repeated one', async () => {
    const answer = await post(`/v1/greetings/${id}`, { name: '', extra: 1 });
    assert.equal(answer.statusCode, 400);
    assert.equal(answer.headers['content-type'], 'application/problem+json');
    const problem = answer.json();
    assert.equal(problem.type, 'https://queue-manager.dev/problems/validation-failed');
    assert.equal(problem.requestId, answer.headers['x-request-id']);
    assert.deepEqual(problem.errors.map((error: { path: string }) => error.path).sort(), [
      'extra',
      'name',
    ]);
    const query = await post(`/v1/greetings/${id}?limit=3&limit=4`, { name: 'Ana' });
    assert.deepEqual(query.json().errors[0].path, 'limit');
    const unknown = await post(`/v1/greetings/${id}?colour=red`, { name: 'Ana' });
    assert.deepEqual(unknown.json().errors[0].path, 'colour');
  });

  it('responds to a malformed id as to an unknown one', async () => {
    const answer = await post('/v1/greetings/nonsense', { name: 'Ana' });
    assert.equal(answer.statusCode, 404);
    assert.match(answer.json().type, /not-found$/);
  });

  it('returns 404 for a malformed URL without echoing it', async () => {
    for (const segment of ['%E0%A4%A', 'x'.repeat(600)]) {
      const answer = await app.inject({ url: `/v1/greetings/${segment}`, method: 'POST' });
      assert.equal(answer.statusCode, 404);
      assert.equal(answer.headers['content-type'], 'application/problem+json');
      assert.equal(answer.json().requestId, answer.headers['x-request-id']);
      assert.ok(!answer.body.includes(segment));
    }
  });

  it('accepts a missing or empty body only where every field is optional', async () => {
    assert.deepEqual((await post('/v1/rests')).json(), { seconds: 7 });
    const empty = await app.inject({
      method: 'POST',
      url: '/v1/rests',
      headers: { 'content-type': 'application/json' },
      payload: '',
    });
    assert.deepEqual(empty.json(), { seconds: 7 });
    const required = await post(`/v1/greetings/${id}`);
    assert.equal(required.statusCode, 400);
    assert.equal(required.json().errors[0].path, 'body');
  });

  it('reads a body in UTF-8 alone, with or without a byte order mark', async () => {
    const send = (payload: Buffer, type = 'application/json') =>
      app.inject({
        method: 'POST',
        url: '/v1/rests',
        headers: { 'content-type': type },
        payload,
      });
    const json = '{"seconds":3}';
    for (const type of ['', '; charset=utf-8', ';charset="UTF8"']) {
      const answer = await send(Buffer.from(`\ufeff${json}`), `application/json${type}`);
      assert.deepEqual(answer.json(), { seconds: 3 });
    }
    for (const [body, type, status] of [
      [Buffer.from('{"é":1}', 'latin1'), '', 400],
      [Buffer.from(json, 'latin1'), '; charset=iso-8859-1', 415],
      [Buffer.from(json, 'utf16le'), '; charset=utf-16le', 415],
      // An unpaired surrogate and an overlong slash.
      [Buffer.from('7b22eda080223a317d', 'hex'), '', 400],
      [Buffer.from('7b22c0af223a317d', 'hex'), '', 400],
    ] as const) {
      const answer = await send(body, `application/json${type}`);
      assert.equal(answer.statusCode, status, `${body.toString('hex')} ${type}`);
      if (status === 400) assert.equal(answer.json().detail, 'body is not valid UTF-8.');
    }
  });

  it('refuses a body that is not JSON, malformed or too large', async () => {
    const form = await app.inject({
      method: 'POST',
      url: '/v1/rests',
      headers: { 'content-type': 'text/plain' },
      payload: 'x',
    });
    assert.equal(form.statusCode, 415);
    const torn = await app.inject({
      method: 'POST',
      url: '/v1/rests',
      headers: { 'content-type': 'application/json' },
      payload: '{"seconds":',
    });
    assert.equal(torn.statusCode, 400);
    assert.equal(torn.json().errors[0].path, 'body');
    const short = await app.inject({
      method: 'POST',
      url: '/v1/rests',
      headers: { 'content-type': 'application/json', 'content-length': '90' },
      payload: '{"seconds":1}',
    });
    assert.equal(short.statusCode, 400);
    assert.equal(short.json().errors[0].path, 'body');
    const large = await post(`/v1/greetings/${id}`, { name: 'x'.repeat(300_000) });
    assert.equal(large.statusCode, 413);
  });

  it('accepts only a UUID as the Idempotency-Key of an anonymous caller', async () => {
    const bad = await post('/v1/rests', {}, { 'idempotency-key': 'abc' });
    assert.equal(bad.json().errors[0].path, 'Idempotency-Key');
    assert.equal((await post('/v1/rests', {}, { 'idempotency-key': id })).statusCode, 200);
  });

  it('requires the internal credential on internal routes and /metrics', async () => {
    for (const url of ['/internal/inside', '/metrics']) {
      assert.equal((await app.inject({ url })).statusCode, 401);
      const wrong = { [credentialHeader]: `${testCredential.slice(0, -1)}x` };
      assert.equal((await app.inject({ url, headers: wrong })).statusCode, 401);
    }
    const headers = { [credentialHeader]: testCredential };
    const answer = await app.inject({ url: '/internal/inside', headers });
    assert.equal(answer.statusCode, 204);
    assert.equal(answer.body, '');
    assert.match(
      (await app.inject({ url: '/metrics', headers })).body,
      /route="\/internal\/inside"/,
    );
  });

  it('takes any of several internal credentials as a bearer token on /metrics', async (t) => {
    const [next, last] = ['n'.repeat(32), 'l'.repeat(32)];
    const internalCredential = `${next},${last}`;
    const rotating = createApp({ logger: testLogger, readiness: {}, internalCredential });
    t.after(() => rotating.close());
    const statusOf = async (bearer: string) =>
      (await rotating.inject({ url: '/metrics', headers: { authorization: `Bearer ${bearer}` } }))
        .statusCode;
    // Tools send the variable as it is: before the rotation, and in the middle of it.
    for (const known of [next, last, `${last},${next}`, `${next},${last}`]) {
      assert.equal(await statusOf(known), 200, known);
    }
    assert.equal(await statusOf('x'.repeat(32)), 401);
  });

  it('takes the internal credential as a bearer token on /metrics alone', async () => {
    const statusOf = async (url: string, authorization: string) =>
      (await app.inject({ url, headers: { authorization } })).statusCode;
    assert.equal(await statusOf('/metrics', `Bearer ${testCredential}`), 200);
    assert.equal(await statusOf('/metrics', `Bearer ${testCredential}x`), 401);
    assert.equal(await statusOf('/metrics', testCredential), 401);
    assert.equal(await statusOf('/internal/inside', `Bearer ${testCredential}`), 401);
  });

  it('returns 500 without internals on a bug, and 503 when a store is unavailable', async () => {
    const fault = await app.inject({ url: '/v1/broken' });
    assert.equal(fault.statusCode, 500);
    assert.ok(!fault.body.includes('SELECT'));
    const outage = await app.inject({ url: '/v1/unavailable' });
    assert.equal(outage.statusCode, 503);
    assert.equal(outage.headers['retry-after'], '1');
  });

  it('is ready only while its stores are', async () => {
    assert.equal((await app.inject({ url: '/readyz' })).statusCode, 200);
    isStoreUp = false;
    const answer = await app.inject({ url: '/readyz' });
    assert.equal(answer.statusCode, 503);
    assert.match(answer.json().detail, /store/);
    assert.equal((await app.inject({ url: '/livez' })).statusCode, 200);
  });

  it('leaves a hijacked connection to its handler, and logs no URL', async () => {
    const { logger, lines } = recordingLogger();
    const other = createApp({ logger, internalCredential: testCredential, readiness: {} });
    other.route(
      route(stream, async (_request, reply) => {
        reply.hijack();
        reply.raw.end('data: 1\n\n');
        return reply;
      }),
    );
    const { payload } = await other.inject('/v1/streams/secret-ticket');
    assert.equal(payload, 'data: 1\n\n');
    await other.close();
    assert.ok(lines.some((line) => line.includes('/v1/streams/:ticket')));
    assert.doesNotMatch(lines.join(''), /secret-ticket|"level":[456]0/);
  });

  it('stops as soon as its open requests are answered', async () => {
    const stopping = createApp({
      logger: testLogger,
      internalCredential: testCredential,
      readiness: {},
    });
    const arrived = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    stopping.get('/slow', async () => {
      arrived.resolve();
      await gate.promise;
      return { done: true };
    });
    stopping.addHook('preClose', async () => gate.resolve());
    const address = await stopping.listen({ host: '127.0.0.1', port: 0 });
    const answer = fetch(new URL('/slow', address));
    await arrived.promise;
    const closed = stopping.close();
    assert.deepEqual(await (await answer).json(), { done: true });
    assert.equal((await answer).headers.get('connection'), 'close');
    await closed;
  });

  it('has one factory for each problem', () => {
    assert.equal(problems.queueFull().code, 'queue-full');
    assert.equal(problems.idempotencyKeyReused().status, 422);
  });
});
