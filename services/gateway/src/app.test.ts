import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { maxHeaderSize } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, afterEach, before, describe, it } from 'node:test';
import { ProblemDetails } from '@queue-manager/contracts/problems';
import { publicContracts } from '@queue-manager/contracts/registry';
import { limits } from '@queue-manager/contracts/values';
import { until } from '@queue-manager/service-kit/testing';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { pipelinedMax } from './pipelining.ts';
import {
  type Gateway,
  gatewayEnvironment,
  rawRequest,
  startGateway,
  startUpstreams,
  type Upstreams,
} from './testing.ts';

describe('gateway', () => {
  let upstreams: Upstreams;
  let env: Record<string, string>;
  let gateway: Gateway;
  let token: string;

  before(async () => {
    upstreams = await startUpstreams();
    env = gatewayEnvironment(upstreams);
    gateway = await startGateway({ ...env, RATE_LIMIT_CREDENTIALS_PER_MINUTE: '1000' });
    token = await upstreams.token();
  });
  after(async () => {
    await upstreams.close();
    await gateway.app.close();
  });
  afterEach(() => {
    upstreams.answerWith(async () => ({}));
    upstreams.received.length = 0;
  });

  const call = (path: string, init: RequestInit = {}) => fetch(new URL(path, gateway.url), init);
  const asStaff = (headers: Record<string, string> = {}) => ({
    authorization: `Bearer ${token}`,
    ...headers,
  });
  const json = { 'content-type': 'application/json' };

  async function assertProblem(answer: Response, status: number, code: string) {
    assert.equal(answer.status, status);
    assert.equal(answer.headers.get('content-type'), 'application/problem+json');
    const problem = (await answer.json()) as Record<string, unknown>;
    assert.equal(problem.type, `https://queue-manager.dev/problems/${code}`);
    assert.equal(problem.requestId, answer.headers.get('x-request-id'));
    return problem;
  }

  it('forwards each public route to the service of its contract', async () => {
    for (const contract of publicContracts) {
      upstreams.received.length = 0;
      const path = contract.url.replace(/:(\w+)/g, () => randomUUID());
      const hasBody = contract.schema.body !== undefined;
      const answer = await call(`${path}?a=1&b=%20`, {
        method: contract.method,
        headers: asStaff(hasBody ? json : {}),
        ...(hasBody ? { body: '{}' } : {}),
      });
      if (contract.url === '/.well-known/jwks.json') {
        assert.ok(((await answer.json()) as { keys: unknown }).keys);
        continue;
      }
      assert.equal(answer.status, 200, contract.operationId);
      assert.deepEqual(
        upstreams.received.map(({ service, method, url }) => ({ service, method, url })),
        [{ service: contract.service, method: contract.method, url: `${path}?a=1&b=%20` }],
      );
    }
  });

  it('returns 404 for any other URL', async () => {
    const paths = [
      '/j',
      '/index.html',
      '/assets/none.js',
      '/none.js',
      '/v1',
      '/v1/nothing',
      '/v1/users/me/',
      '/v1//users/me',
      '/internal/credentials/check',
      `/internal/users/${randomUUID()}`,
      '/V1/users/me',
    ];
    for (const path of paths) {
      for (const method of ['GET', 'POST']) {
        await assertProblem(await call(path, { method, headers: asStaff() }), 404, 'not-found');
      }
    }
    assert.equal(upstreams.received.length, 0);
  });

  it('does not let a parameter lead to another route', async () => {
    const id = randomUUID();
    const paths = [
      `/v1/tickets/..`,
      `/v1/tickets/%2e%2e`,
      `/v1/tickets/%2e`,
      `/v1/tickets/..%2f..%2finternal%2fusers%2f${id}`,
      `/v1/tickets/x%2f..%2f..%2f..%2finternal%2fusers%2f${id}`,
      `/v1/tickets/a\\..\\..\\..\\internal\\users\\${id}`,
      `/v1/tickets/a%5c..%5c..%5c..%5cinternal%5cusers%5c${id}`,
      `/v1/tickets/../internal/users/${id}`,
      `/v1/../internal/users/${id}`,
      `http://127.0.0.1/internal/users/${id}`,
      `//internal/users/${id}`,
    ];
    for (const path of paths) {
      const answer = await rawRequest(gateway.port, { path });
      assert.equal(answer.status, 404, path);
    }
    assert.equal(upstreams.received.length, 0);
  });

  it('forwards a parameter unchanged, however it is encoded', async () => {
    await rawRequest(gateway.port, { path: '/v1/tickets/a%20b%3Fc%23d%25e%c3%a9;f' });
    assert.equal(upstreams.received[0]?.url, '/v1/tickets/a%20b%3Fc%23d%25e%C3%A9%3Bf');
  });

  it('returns 405 with the allowed methods', async () => {
    const answers = [
      { path: '/v1/venues', method: 'DELETE', allow: 'POST, GET, HEAD, OPTIONS' },
      { path: '/v1/auth/login', method: 'GET', allow: 'POST, OPTIONS' },
      {
        path: `/v1/queues/${randomUUID()}`,
        method: 'PUT',
        allow: 'GET, PATCH, DELETE, HEAD, OPTIONS',
      },
      { path: '/livez', method: 'POST', allow: 'GET, HEAD, OPTIONS' },
      { path: '/v1/venues', method: 'PROPFIND', allow: 'POST, GET, HEAD, OPTIONS' },
      { path: '/openapi.json', method: 'PURGE', allow: 'GET, HEAD, OPTIONS' },
    ];
    for (const { path, method, allow } of answers) {
      const answer = await call(path, {
        method,
        ...(method === 'GET' ? {} : { headers: { 'content-type': 'text/plain' }, body: 'x' }),
      });
      await assertProblem(answer, 405, 'method-not-allowed');
      assert.equal(answer.headers.get('allow'), allow);
    }
    assert.equal(upstreams.received.length, 0);
  });

  it('responds to HEAD like GET without a body', async () => {
    const answer = await call(`/v1/tickets/${'t'.repeat(20)}`, { method: 'HEAD' });
    assert.equal(answer.status, 200);
    assert.equal(await answer.text(), '');
    assert.equal(upstreams.received[0]?.method, 'HEAD');
  });

  it('forwards a body unchanged, also invalid UTF-8', async () => {
    for (const body of [' { "state":\t"\\u0041", "n": 1.0 }\n', '{"torn":', '"just text"']) {
      upstreams.received.length = 0;
      await call('/v1/venues', {
        method: 'POST',
        headers: asStaff({ 'content-type': 'application/json; charset=utf-8' }),
        body,
      });
      assert.equal(upstreams.received[0]?.body.toString(), body);
      assert.equal(
        upstreams.received[0]?.headers['content-length'],
        String(Buffer.byteLength(body)),
      );
      assert.equal(upstreams.received[0]?.headers['content-type'], 'application/json');
    }
  });

  it('forwards a call without a body without one', async () => {
    const id = randomUUID();
    for (const headers of [{}, json]) {
      upstreams.received.length = 0;
      const answer = await call(`/v1/queues/${id}/call-next`, {
        method: 'POST',
        headers: asStaff(headers),
      });
      assert.equal(answer.status, 200);
      assert.equal(upstreams.received[0]?.body.length, 0);
    }
    const answer = await rawRequest(gateway.port, {
      path: `/v1/venues/${id}`,
      headers: asStaff({ ...json, 'content-length': '2' }),
      body: '{}',
    });
    assert.equal(answer.status, 200);
    assert.equal(upstreams.received.at(-1)?.headers['content-type'], undefined);
  });

  it('refuses bodies that are too large or not JSON', async () => {
    const post = (body: string, type: string) =>
      call('/v1/venues', { method: 'POST', headers: asStaff({ 'content-type': type }), body });
    const full = JSON.stringify('x'.repeat(limits.bodyBytes - 2));
    assert.equal((await post(full, 'application/json')).status, 200);
    await assertProblem(await post(`${full} `, 'application/json'), 413, 'payload-too-large');
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
      await assertProblem(await post('{}', type), 415, 'unsupported-media-type');
    }
    assert.equal(upstreams.received.length, 1);
  });

  it('responds to an unreadable URL like to an unknown one, for browsers too', async () => {
    for (const path of [
      '/v1/join/%zz',
      '/v1/join/%c0%80',
      `/v1/tickets/${'A'.repeat(600)}`,
      'http://host.example:99999/v1/nowhere',
      'http://host.example:99999',
      'ftp://[::/livez',
    ]) {
      const { status, headers, body } = await rawRequest(gateway.port, {
        path,
        headers: { origin: 'http://localhost:3000' },
      });
      assert.equal(status, 404, path);
      assert.equal(headers['content-type'], 'application/problem+json');
      assert.equal(headers['access-control-allow-origin'], 'http://localhost:3000');
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.match(body, /There is no route at this address/);
    }
  });

  it('finds the route of an absolute URL, whatever its host', async () => {
    for (const origin of ['http://host.example', 'HTTPS://host.example:99999', 'http://']) {
      const { status } = await rawRequest(gateway.port, {
        path: `${origin}/v1/tickets/x?y=http://z`,
      });
      assert.equal(status, 200, origin);
      assert.equal(upstreams.received.at(-1)?.url, '/v1/tickets/x?y=http://z');
    }
  });

  it('responds with a problem to what is not HTTP', async () => {
    const socket = connect(gateway.port, '127.0.0.1').setEncoding('utf8');
    socket.end('GET / HTTP/9.9\r\nbroken\r\n\r\n');
    const answer = (await socket.toArray()).join('');
    assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    assert.match(head, /content-type: application\/problem\+json/);
    const problem = ProblemDetails.parse(JSON.parse(body));
    assert.equal(problem.status, 400);
    assert.match(head, new RegExp(`x-request-id: ${problem.requestId}`));
  });

  it('names the missing header Host, and ignores expectations that it does not know', async () => {
    const answerTo = async (lines: string) => {
      const socket = connect(gateway.port, '127.0.0.1').setEncoding('utf8');
      socket.write(`GET /livez HTTP/1.1\r\nConnection: close\r\n${lines}\r\n`);
      return (await socket.toArray()).join('');
    };
    assert.match(await answerTo(''), /^HTTP\/1\.1 400 .*"errors":\[\{"path":"Host",/s);
    assert.match(await answerTo('Host: gateway\r\nExpect: wonders\r\n'), /^HTTP\/1\.1 200 /);
  });

  it('responds with 431 to too many headers and 413 to chunks of extensions, also on a connection in use', async () => {
    for (const [rest, status, type] of [
      [
        `cookie: ${'a'.repeat(maxHeaderSize)}\r\n\r\n`,
        '431 Request Header Fields',
        'headers-too-large',
      ],
      [`transfer-encoding: chunked\r\n\r\n1;a=${'b'.repeat(20_000)}`, '413 ', 'payload-too-large'],
    ] as const) {
      for (const before of ['', 'GET /livez HTTP/1.1\r\nhost: gateway\r\n\r\n']) {
        const socket = connect(gateway.port, '127.0.0.1').setEncoding('utf8');
        socket.on('error', () => undefined);
        let answer = '';
        socket.on('data', (text: string) => {
          answer += text;
        });
        socket.write(before);
        if (before !== '') await until('it responded', () => answer.endsWith('{"status":"alive"}'));
        answer = '';
        socket.write(`POST /v1/auth/login HTTP/1.1\r\nhost: gateway\r\n${rest}`);
        await new Promise((resolve) => socket.once('close', resolve));
        const [head = '', body = '{}'] = answer.split('\r\n\r\n');
        assert.ok(head.startsWith(`HTTP/1.1 ${status}`), head);
        assert.match(head, /content-type: application\/problem\+json/);
        assert.match(ProblemDetails.parse(JSON.parse(body)).type, new RegExp(`/${type}$`));
      }
    }
  });

  it('accepts the forms of browsers and mail clients where they unsubscribe, and drops them', async () => {
    const fields = { 'List-Unsubscribe': 'One-Click' };
    const form = new FormData();
    form.set('List-Unsubscribe', 'One-Click');
    for (const body of [new URLSearchParams(fields), form, new URLSearchParams(), undefined]) {
      const answer = await call('/v1/unsubscribe/t', { method: 'POST', ...(body && { body }) });
      assert.equal(answer.status, 200);
    }
    assert.deepEqual(
      upstreams.received.map(({ body, headers }) => [body.length, headers['content-type']]),
      Array(4).fill([0, undefined]),
    );
    await assertProblem(
      await call('/v1/unsubscribe/t', { method: 'POST', body: 'x' }),
      415,
      'unsupported-media-type',
    );
  });

  it('drops headers that only services may send to each other', async () => {
    await rawRequest(gateway.port, {
      path: `/v1/tickets/${'t'.repeat(20)}`,
      headers: {
        'x-internal-credential': env.INTERNAL_CREDENTIAL as string,
        'x-internal-anything': 'x',
        'x-forwarded-for': '203.0.113.7',
        'x-forwarded-proto': 'https',
        'x-forwarded-host': 'evil.example',
        'x-forwarded-prefix': '/x',
        'x-deadline-ms': '100000',
        'x-real-ip': '203.0.113.7',
        forwarded: 'for=203.0.113.7',
        connection: 'keep-alive, x-request-id, x-forwarded-for, host',
        'keep-alive': 'timeout=1',
        te: 'trailers',
        upgrade: 'websocket',
        'proxy-authorization': 'Basic x',
        expect: '100-continue',
        cookie: 'a=b',
        'x-request-id': 'lost-by-connection-header',
        'accept-language': 'pt',
        'if-none-match': '"a"',
      },
    });
    const headers = { ...upstreams.received[0]?.headers };
    assert.match(String(headers['x-request-id']), /./);
    delete headers['x-request-id'];
    // The gateway's own, shorter than its 15 s.
    assert.match(String(headers['x-deadline-ms']), /^1[34]\d{3}$/);
    delete headers['x-deadline-ms'];
    assert.deepEqual(headers, {
      'accept-language': 'pt',
      'if-none-match': '"a"',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': `127.0.0.1:${gateway.port}`,
      host: new URL(upstreams.urls.queue).host,
      connection: 'keep-alive',
    });
  });

  it('forwards cookies, and which page sent them, on the routes that use the refresh cookie only', async () => {
    const setCookie = 'qm_refresh=x; Path=/v1/auth; HttpOnly; SameSite=Strict';
    upstreams.answerWith(async (_request, reply) => reply.header('set-cookie', setCookie).send({}));
    const headers = {
      cookie: 'qm_refresh=y',
      'content-type': 'application/json',
      origin: 'http://localhost:3000',
      'sec-fetch-site': 'same-site',
      'sec-fetch-mode': 'cors',
      authorization: `Bearer ${token}`,
    };
    const using: string[] = [];
    for (const { method, url, operationId, auth } of publicContracts) {
      const path = url.replace(/:\w+/g, 'x'.repeat(20));
      if (!url.startsWith('/v1/auth/') && auth !== 'ticket') continue;
      const body = method === 'POST' ? '{}' : undefined;
      const answer = await rawRequest(gateway.port, {
        method,
        path,
        headers,
        ...(body === undefined ? {} : { body }),
      });
      const received = upstreams.received.at(-1)?.headers ?? {};
      const isUsing = received.cookie !== undefined;
      if (isUsing) using.push(operationId);
      assert.deepEqual(
        [received.cookie, received.origin, received['sec-fetch-site'], received['sec-fetch-mode']],
        isUsing
          ? [headers.cookie, headers.origin, 'same-site', undefined]
          : Array(4).fill(undefined),
      );
      assert.deepEqual(
        answer.headers['set-cookie'],
        isUsing ? [setCookie] : undefined,
        operationId,
      );
      // No page of another origin may read a response that cookies had a part in.
      assert.equal(answer.headers['access-control-allow-credentials'], undefined);
    }
    assert.deepEqual(using, ['login', 'refresh', 'logout']);
  });

  it('forwards a well-formed traceparent, but not the decision to sample it', async () => {
    const unsampled = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';
    const good = unsampled.replace(/0$/, '1');
    for (const traceparent of [good, `${good}-more`, 'nonsense']) {
      await call('/v1/tickets/abc', { headers: { traceparent } });
      const { headers } = upstreams.received.at(-1) ?? {};
      assert.equal(headers?.traceparent, traceparent === good ? unsampled : undefined);
    }
  });

  it('keeps a well-formed request id and replaces any other', async () => {
    for (const [sent, isKept] of [
      ['well-formed_1.2', true],
      ['not well formed', false],
      ['x'.repeat(65), false],
    ] as const) {
      const answer = await call('/v1/tickets/abc', { headers: { 'x-request-id': sent } });
      const id = answer.headers.get('x-request-id');
      assert.equal(id === sent, isKept);
      assert.equal(upstreams.received.at(-1)?.headers['x-request-id'], id);
    }
  });

  it('forwards responses unchanged', async () => {
    const png = randomBytes(100_000);
    upstreams.answerWith(async (_request, reply) =>
      reply.type('image/png').header('cache-control', 'no-store').send(png),
    );
    const picture = await call(`/v1/queues/${randomUUID()}/qr.png`, { headers: asStaff() });
    assert.equal(picture.headers.get('content-type'), 'image/png');
    assert.equal(picture.headers.get('cache-control'), 'no-store');
    assert.deepEqual(Buffer.from(await picture.arrayBuffer()), png);

    upstreams.answerWith(async (_request, reply) =>
      reply
        .code(409)
        .header('keep-alive', 'timeout=1')
        .type('application/problem+json')
        .send('{"a":1}'),
    );
    const refusal = await call('/v1/venues', { method: 'POST', headers: asStaff() });
    assert.equal(refusal.status, 409);
    assert.match(String(refusal.headers.get('content-type')), /^application\/problem\+json/);
    assert.notEqual(refusal.headers.get('keep-alive'), 'timeout=1');
    assert.equal(await refusal.text(), '{"a":1}');

    upstreams.answerWith(async (_request, reply) => reply.code(204).send());
    const nothing = await call(`/v1/venues/${randomUUID()}`, {
      method: 'DELETE',
      headers: asStaff(),
    });
    assert.equal(nothing.status, 204);
  });

  it('streams responses chunk by chunk, and cancels them when the client disconnects', async () => {
    const stream = new PassThrough();
    upstreams.answerWith(async (_request, reply) => reply.type('text/event-stream').send(stream));
    const aborter = new AbortController();
    stream.write('data: 1\n\n');
    const answer = await call(`/v1/boards/${randomUUID()}`, { signal: aborter.signal });
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    for (const piece of ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']) {
      if (piece !== 'data: 1\n\n') stream.write(piece);
      const { value } = await reader.read();
      assert.equal(Buffer.from(value as Uint8Array).toString(), piece);
    }
    aborter.abort();
    await until('the service sees the caller gone', () => stream.destroyed);
  });

  it('ends a read at its service when the client disconnects before the response, but no change', async () => {
    const ended: string[] = [];
    const released = Promise.withResolvers<void>();
    upstreams.answerWith(async (request, reply) => {
      reply.raw.once('close', () => ended.push(request.method));
      await released.promise;
      return {};
    });
    const disconnects = async (path: string, init: RequestInit) => {
      const going = new AbortController();
      const before = upstreams.received.length;
      const calling = call(path, { ...init, headers: asStaff(), signal: going.signal });
      await until('it is with the service', () => upstreams.received.length > before);
      going.abort();
      await assert.rejects(calling, /abort/i);
    };
    await disconnects('/v1/venues', { method: 'POST' });
    await disconnects('/v1/consumer?cid=1&wait=20', {});
    await until('the service sees the caller gone', () => ended.length > 0);
    assert.deepEqual(ended, ['GET']);
    released.resolve();
    await until('the change has its response', () => ended.length === 2);
  });

  it('aborts a response that its service aborted', async () => {
    const stream = new PassThrough();
    upstreams.answerWith(async (_request, reply) => reply.type('text/csv').send(stream));
    stream.write('number,name\r\n');
    const answer = await call(`/v1/queues/${randomUUID()}/parties.csv`, { headers: asStaff() });
    assert.equal(answer.status, 200);
    const reading = answer.text();
    stream.destroy(new Error('the database is down'));
    await assert.rejects(reading, TypeError);
  });

  it('returns 503 instead of a short response that its service aborted', async () => {
    upstreams.answerWith(async (request, reply) => {
      reply.hijack();
      reply.raw.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      reply.raw.write('{"state":', () => request.raw.socket.destroy());
    });
    const answer = await call(`/v1/tickets/${'t'.repeat(20)}`);
    await assertProblem(answer, 503, 'unavailable');
  });

  it('forwards 200 concurrent calls of one account', async () => {
    let present = 0;
    let mostPresent = 0;
    const gate = Promise.withResolvers<void>();
    upstreams.answerWith(async () => {
      mostPresent = Math.max(mostPresent, ++present);
      // Connections to a service are limited: further calls wait in the gateway.
      if (present === 100) gate.resolve();
      await gate.promise;
      present--;
      return {};
    });
    const id = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 200 }, () =>
        call(`/v1/queues/${id}/call-next`, { method: 'POST', headers: asStaff() }),
      ),
    );
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    assert.equal(upstreams.received.length, 200);
    assert.ok(mostPresent >= 100);
  });

  it('forwards four reads of one caller to a line at once, and those of others meanwhile', async () => {
    const id = randomUUID();
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    let present = 0;
    let mostPresent = 0;
    upstreams.answerWith(async ({ headers }) => {
      if (headers.authorization !== asStaff().authorization) return {};
      mostPresent = Math.max(mostPresent, ++present);
      await held;
      present--;
      return {};
    });
    const get = (authorization: string) =>
      call(`/v1/queues/${id}`, { headers: { authorization } }).then(({ status }) => status);
    const burst = Array.from({ length: 20 }, () => get(asStaff().authorization));
    await until('its reads arrive', () => present >= 4);
    const other = await upstreams.token({ sub: randomUUID() });
    assert.equal(await get(`Bearer ${other}`), 200);
    release();
    assert.deepEqual([...new Set(await Promise.all(burst))], [200]);
    assert.equal(mostPresent, 4);
  });

  it('forwards what a client pipelines up to a limit, and refuses the rest', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    upstreams.answerWith(async () => {
      await held;
      return {};
    });
    const socket = connect(gateway.port, '127.0.0.1').setEncoding('utf8');
    // Moves, which no other limit makes wait.
    const request =
      'POST /v1/tickets/t/leave HTTP/1.1\r\nhost: gateway\r\ncontent-length: 0\r\n\r\n';
    const sent = pipelinedMax + 300;
    socket.write(request.repeat(sent));
    const answers = socket.toArray();
    await until('some arrive', () => upstreams.received.length === pipelinedMax);
    // Another connection is not affected.
    const other = call('/v1/tickets/t/leave', { method: 'POST' });
    await until('it arrives', () => upstreams.received.length === pipelinedMax + 1);
    release();
    const statuses = [...(await answers).join('').matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, s]) => s);
    assert.deepEqual(statuses, [...Array(pipelinedMax).fill('200'), '429']);
    assert.equal((await other).status, 200);
    assert.equal(upstreams.received.length, pipelinedMax + 1);
    // One after the other, a connection has no such limit.
    for (let count = 0; count < pipelinedMax + 4; count++) {
      assert.equal((await call('/v1/tickets/t')).status, 200);
    }
  });

  it('verifies access tokens itself', async () => {
    const expired = await upstreams.token({ expiresAt: new Date(Date.now() - 1_000) });
    for (const authorization of [undefined, 'Bearer nonsense', `Bearer ${expired}`, 'Basic eDp5']) {
      const answer = await call('/v1/users/me', {
        headers: authorization === undefined ? {} : { authorization },
      });
      await assertProblem(answer, 401, 'unauthenticated');
    }
    assert.equal(upstreams.received.length, 0);
    assert.equal((await call('/v1/users/me', { headers: asStaff() })).status, 200);
  });

  it('allows CORS for the configured origins only', async () => {
    const preflight = (origin: string) =>
      call('/v1/venues', {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,content-type,idempotency-key',
        },
      });
    for (const origin of ['http://localhost:3000', 'http://localhost:4200']) {
      const { status, headers } = await preflight(origin);
      assert.equal(status, 204);
      assert.equal(headers.get('access-control-allow-origin'), origin);
      assert.match(String(headers.get('access-control-allow-methods')), /PATCH/);
      assert.match(String(headers.get('access-control-allow-headers')), /idempotency-key/);
      assert.equal(headers.get('access-control-allow-credentials'), null);
    }
    const other = await preflight('http://localhost:3001');
    assert.equal(other.headers.get('access-control-allow-origin'), null);

    const refused = await call('/v1/users/me', { headers: { origin: 'http://localhost:3000' } });
    assert.equal(refused.status, 401);
    assert.equal(refused.headers.get('access-control-allow-origin'), 'http://localhost:3000');
    for (const name of ['x-request-id', 'retry-after', 'ratelimit-remaining']) {
      assert.ok(refused.headers.get('access-control-expose-headers')?.includes(name));
    }
    assert.equal(upstreams.received.length, 0);
  });

  it('sends security headers', async () => {
    const { headers } = await call(`/v1/tickets/${'t'.repeat(20)}`);
    assert.equal(headers.get('referrer-policy'), 'no-referrer');
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.equal(headers.get('x-frame-options'), 'DENY');
    assert.match(String(headers.get('content-security-policy')), /default-src 'none'/);
  });

  it('serves the documentation in swagger/', async () => {
    const file = join(import.meta.dirname, '../../../swagger/openapi.json');
    const served = await (await call('/openapi.json')).json();
    assert.deepEqual(served, JSON.parse(await readFile(file, 'utf8')));
    assert.deepEqual(await (await call('/docs/json')).json(), served);

    for (const path of ['/docs', '/docs/']) {
      const page = await call(path);
      assert.equal(page.status, 200);
      const csp = String(page.headers.get('content-security-policy'));
      assert.match(csp, /script-src 'self';/);
      assert.match(csp, /connect-src 'self';/);
      const html = await page.text();
      const scripts = [...html.matchAll(/(?:src|href)="([^"]+\.(?:js|css))"/g)];
      assert.ok(scripts.length >= 4);
      assert.doesNotMatch(html, /<script(?![^>]*src=)[^>]*>|<style/);
      for (const [, source] of scripts) {
        const asset = await fetch(new URL(String(source), page.url));
        assert.equal(asset.status, 200, source);
        assert.match(String(asset.headers.get('content-type')), /javascript|css/);
      }
    }
  });

  it('is ready when every service is', async () => {
    assert.equal((await call('/livez')).status, 200);
    assert.equal((await call('/readyz')).status, 200);
    upstreams.ready.queue = false;
    upstreams.ready.mailer = false;
    const problem = await assertProblem(await call('/readyz'), 503, 'unavailable');
    assert.match(String(problem.detail), /queue, mailer/);
    assert.equal((await call('/livez')).status, 200);
    upstreams.ready.queue = true;
    upstreams.ready.mailer = true;
    assert.equal((await call('/readyz')).status, 200);
  });

  it('forwards a 503 at once, without repeating the call', async () => {
    upstreams.answerWith(async (_request, reply) =>
      reply.code(503).header('retry-after', '7').type('application/problem+json').send('{}'),
    );
    const answer = await call(`/v1/tickets/${'t'.repeat(20)}`);
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get('retry-after'), '7');
    assert.equal(upstreams.received.length, 1);
  });

  it('repeats a read or a change with a key whose connection was lost, but no other change', async () => {
    const breakOff = async (request: FastifyRequest, reply: FastifyReply) => {
      reply.hijack();
      request.raw.socket.destroy();
    };
    const breakFirst = async (request: FastifyRequest, reply: FastifyReply) =>
      upstreams.received.length === 1 ? breakOff(request, reply) : {};
    const withKey = { ...asStaff(), 'idempotency-key': randomUUID() };
    const body = '{"name":"The Corner"}';
    for (const [path, init] of [
      [`/v1/tickets/${'t'.repeat(20)}`, {}],
      [
        '/v1/venues',
        { method: 'POST', body, headers: { ...withKey, 'content-type': 'application/json' } },
      ],
    ] as const) {
      upstreams.received.length = 0;
      upstreams.answerWith(breakFirst);
      assert.ok((await call(path, init)).ok, path);
      const [first, second] = upstreams.received;
      assert.deepEqual(second?.body, first?.body);
      assert.equal(upstreams.received.length, 2);
    }

    for (const [path, headers] of [
      ['/v1/venues', asStaff()],
      ['/v1/auth/logout', withKey],
    ] as const) {
      upstreams.received.length = 0;
      upstreams.answerWith(breakOff);
      const change = await call(path, { method: 'POST', headers });
      await assertProblem(change, 503, 'unavailable');
      assert.equal(upstreams.received.length, 1, path);
    }
  });

  it('finishes open requests when it stops', async () => {
    const other = await startGateway(env);
    const gate = Promise.withResolvers<void>();
    upstreams.answerWith(async () => {
      await gate.promise;
      return { done: true };
    });
    const answer = fetch(new URL(`/v1/boards/${randomUUID()}`, other.url));
    await until('the call is at the service', () => upstreams.received.length === 1);
    const closed = other.app.close();
    gate.resolve();
    assert.deepEqual(await (await answer).json(), { done: true });
    await closed;
  });

  it('trusts X-Forwarded-* headers of trusted proxies only', async () => {
    const trusting = await startGateway({ ...env, TRUSTED_PROXIES: '127.0.0.0/8, ::1' });
    await fetch(new URL('/v1/tickets/abc', trusting.url), {
      headers: {
        'x-forwarded-for': '198.51.100.1, 203.0.113.7',
        'x-forwarded-proto': 'https',
        'x-forwarded-host': 'line.example',
      },
    });
    const { headers } = upstreams.received[0] ?? assert.fail();
    assert.equal(headers['x-forwarded-for'], '203.0.113.7');
    assert.equal(headers['x-forwarded-proto'], 'https');
    assert.equal(headers['x-forwarded-host'], 'line.example');
    await trusting.app.close();
  });
});

describe('gateway with failing services', () => {
  it('returns 503 with Retry-After when a service is down or too slow', async (t) => {
    const upstreams = await startUpstreams();
    t.after(() => upstreams.close());
    const token = await upstreams.token();
    const gateway = await startGateway({
      ...gatewayEnvironment(upstreams),
      UPSTREAM_TIMEOUT_MS: '2000',
    });
    t.after(() => gateway.app.close());
    const headers = { authorization: `Bearer ${token}` };
    const me = () => fetch(new URL('/v1/users/me', gateway.url), { headers });
    assert.equal((await me()).status, 200);

    const gate = Promise.withResolvers<void>();
    upstreams.answerWith(() => gate.promise);
    const slow = await me();
    gate.resolve();
    await upstreams.stop('user');
    const unreachable = await me();
    for (const answer of [slow, unreachable]) {
      assert.equal(answer.status, 503);
      assert.ok(Number(answer.headers.get('retry-after')) >= 1);
      const problem = (await answer.json()) as { type: string; detail: string };
      assert.match(problem.type, /\/unavailable$/);
      assert.doesNotMatch(problem.detail, /127\.0\.0\.1|ECONN|undici/i);
    }
  });

  it('gives a consumer that waits for messages its time besides that of all calls', async (t) => {
    const upstreams = await startUpstreams();
    t.after(() => upstreams.close());
    const gateway = await startGateway({
      ...gatewayEnvironment(upstreams),
      UPSTREAM_TIMEOUT_MS: '200',
    });
    t.after(() => gateway.app.close());
    const get = (path: string) =>
      fetch(new URL(path, gateway.url), { headers: { authorization: 'Bearer qm_x' } });
    const gate = Promise.withResolvers<void>();
    upstreams.answerWith(() => gate.promise.then(() => []));
    const waiting = get('/v1/consumer?cid=1&wait=20');
    // The time of all other calls is over by then.
    assert.equal((await get('/v1/consumer/stats')).status, 503);
    gate.resolve();
    assert.equal((await waiting).status, 200);
    const [deadline] = upstreams.received.flatMap(({ url, headers }) =>
      url.startsWith('/v1/consumer?') ? [Number(headers['x-deadline-ms'])] : [],
    );
    assert.ok((deadline ?? 0) > limits.consumeWaitSecondsMax * 1_000 - 1_000);
  });

  it('disconnects a client that takes nothing of a download, or sends its request too slowly', async (t) => {
    const upstreams = await startUpstreams();
    t.after(() => upstreams.close());
    const gateway = await startGateway({
      ...gatewayEnvironment(upstreams),
      CLIENT_TIMEOUT_MS: '500',
    });
    t.after(() => gateway.app.close());
    for (const encoding of ['identity', 'gzip']) {
      const download = new PassThrough();
      upstreams.answerWith((_request, reply) => reply.type('text/csv').send(download));
      const more = () => {
        while (download.write(randomBytes(64 * 1_024)));
      };
      download.on('drain', more);
      more();
      const silent = connect(gateway.port, '127.0.0.1');
      silent.on('error', () => undefined);
      silent.pause();
      silent.write(
        `GET /v1/boards/${randomUUID()} HTTP/1.1\r\nhost: gateway\r\naccept-encoding: ${encoding}\r\n\r\n`,
      );
      await until('the service is told', () => download.destroyed);
      silent.destroy();
    }

    const slow = connect(gateway.port, '127.0.0.1').setEncoding('utf8');
    slow.write(
      'POST /v1/auth/login HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n',
    );
    slow.write('content-length: 10000\r\n\r\n{');
    const dribble = setInterval(() => slow.write(' '), 20);
    slow.on('error', () => undefined);
    const answer: string[] = [];
    // A write that crosses the response makes the connection fail.
    slow.on('data', (text: string) => answer.push(text));
    await new Promise((resolve) => slow.once('close', resolve));
    clearInterval(dribble);
    assert.match(answer.join(''), /^HTTP\/1\.1 408 Request Timeout\r\n.*\/request-timeout"/s);
    assert.ok(slow.destroyed);
  });

  it('is free for others when clients disconnect, also with a response that waits behind another', async (t) => {
    const upstreams = await startUpstreams();
    t.after(() => upstreams.close());
    const gateway = await startGateway({
      ...gatewayEnvironment(upstreams),
      RATE_LIMIT_ADDRESS_PER_MINUTE: '100000',
    });
    t.after(() => gateway.app.close());
    const gate = Promise.withResolvers<void>();
    upstreams.answerWith(() => gate.promise);
    const get = `GET /v1/boards/${randomUUID()} HTTP/1.1\r\nhost: gateway\r\n\r\n`;
    // More than there are connections to a service.
    const sockets = Array.from({ length: 600 }, () => connect(gateway.port, '127.0.0.1'));
    for (const socket of sockets) {
      socket.on('error', () => undefined);
      socket.write(get + get);
    }
    await until('calls fill the connections', () => upstreams.received.length >= 512);
    for (const socket of sockets) socket.destroy();
    gate.resolve();
    upstreams.answerWith(async () => ({}));
    const answer = await fetch(new URL(`/v1/boards/${randomUUID()}`, gateway.url));
    assert.equal(answer.status, 200);
  });

  it('leaves verifying tokens to the service when it has no keys', async (t) => {
    const upstreams = await startUpstreams();
    t.after(() => upstreams.close());
    const token = await upstreams.token();
    await upstreams.stop('auth');
    const gateway = await startGateway(gatewayEnvironment(upstreams));
    t.after(() => gateway.app.close());
    const answer = await fetch(new URL('/v1/users/me', gateway.url), {
      headers: { authorization: `Bearer ${token}` },
    });
    assert.equal(answer.status, 200);
    assert.equal(upstreams.received[0]?.headers.authorization, `Bearer ${token}`);
  });
});
