import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import type { Http2ServerResponse, ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, connect, createServer } from 'node:net';
import { PassThrough } from 'node:stream';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { closedPort, until } from '@queue-manager/service-kit/testing';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  type Gateway,
  gatewayEnvironment,
  rawRequest,
  startGateway,
  startUpstreams,
  type Upstreams,
} from './testing.ts';

/** Responds like the position service: headers at once, events later. */
function begin(reply: FastifyReply): ServerHttp2Stream {
  reply.hijack();
  const raw = reply.raw as unknown as Http2ServerResponse;
  raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  raw.stream.on('error', () => undefined);
  return raw.stream;
}

describe('streams', () => {
  let upstreams: Upstreams;
  let env: Record<string, string>;
  let gateway: Gateway;
  let token: string;
  /** The service's side of each open stream. */
  let streams: ServerHttp2Stream[];
  const openStream = async (_request: FastifyRequest, reply: FastifyReply) => {
    streams.push(begin(reply));
  };
  const lastStream = () => streams.at(-1) ?? assert.fail('no stream has come to the service');

  before(async () => {
    upstreams = await startUpstreams();
    env = gatewayEnvironment(upstreams);
    gateway = await startGateway(env);
    token = await upstreams.token();
  });
  after(async () => {
    await gateway.app.close();
    await upstreams.close();
  });
  afterEach(() => {
    for (const stream of streams) stream.destroy();
    upstreams.answerWith(async () => ({}));
    upstreams.received.length = 0;
  });
  const flowing = () => {
    streams = [];
    upstreams.answerWith(openStream);
  };

  const open = (url = gateway.url, init: RequestInit = {}) =>
    fetch(new URL(`/v1/live/boards/${randomUUID()}`, url), init);
  const readerOf = (answer: Response) => (answer.body as ReadableStream<Uint8Array>).getReader();

  it('begin before the first event, and forward each event at once', async () => {
    flowing();
    for (const path of [`/v1/live/tickets/${'t'.repeat(66)}`, `/v1/live/queues/${randomUUID()}`]) {
      const answer = await fetch(new URL(path, gateway.url), {
        headers: {
          authorization: `Bearer ${token}`,
          'accept-encoding': 'gzip, br',
          'last-event-id': '41',
          origin: 'http://localhost:3000',
        },
      });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get('content-type'), 'text/event-stream');
      assert.equal(answer.headers.get('cache-control'), 'no-store');
      assert.equal(answer.headers.get('content-encoding'), null);
      assert.equal(answer.headers.get('access-control-allow-origin'), 'http://localhost:3000');
      assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
      const seen = upstreams.received.at(-1);
      assert.equal(seen?.url, path);
      assert.equal(seen?.service, 'position');
      assert.equal(seen?.headers['last-event-id'], '41');
      assert.equal(seen?.headers.authorization, `Bearer ${token}`);
      assert.equal(seen?.headers['accept-encoding'], undefined);
      const reader = readerOf(answer);
      for (const piece of ['retry: 2000\n\n', 'data: 1\n\n', ': \n\n', 'data: é\n\n']) {
        lastStream().write(piece);
        const { value } = await reader.read();
        assert.equal(Buffer.from(value ?? []).toString(), piece);
      }
      await reader.cancel();
    }
  });

  it('need the same tokens and count for the same limits as calls', async () => {
    flowing();
    const path = `/v1/live/queues/${randomUUID()}`;
    assert.equal((await fetch(new URL(path, gateway.url))).status, 401);
    const few = await startGateway({ ...env, RATE_LIMIT_TICKET_PER_MINUTE: '2' });
    const statuses = [];
    for (let stream = 0; stream < 3; stream++) {
      const answer = await fetch(new URL(`/v1/live/tickets/${'u'.repeat(66)}`, few.url));
      statuses.push(answer.status);
      await answer.body?.cancel();
    }
    assert.deepEqual(statuses, [200, 200, 429]);
    assert.equal(streams.length, 2);
    await few.app.close();
  });

  it('are refused when the gateway has too many, while calls go on', async () => {
    flowing();
    const few = await startGateway({ ...env, STREAMS_MAX: '2' });
    const going = new AbortController();
    for (let stream = 0; stream < 2; stream++) {
      assert.equal((await open(few.url, { signal: going.signal })).status, 200);
    }
    const refused = await open(few.url);
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.get('retry-after'), '5');
    upstreams.answerWith(async () => ({}));
    assert.equal((await fetch(new URL(`/v1/boards/${randomUUID()}`, few.url))).status, 200);
    going.abort();
    flowing();
    await until('there is room again', async () => {
      const answer = await open(few.url);
      await answer.body?.cancel();
      return answer.status === 200;
    });
    await few.app.close();
  });

  it('end at the service when the client disconnects, also before the response', async () => {
    flowing();
    const going = new AbortController();
    await open(gateway.url, { signal: going.signal });
    going.abort();
    await until('the service sees the caller gone', () => lastStream().destroyed);

    const ended = Promise.withResolvers<void>();
    upstreams.answerWith(async (request, reply) => {
      reply.hijack();
      request.raw.on('close', ended.resolve);
      goingEarly.abort();
    });
    const goingEarly = new AbortController();
    await assert.rejects(open(gateway.url, { signal: goingEarly.signal }), /abort/i);
    await ended.promise;
  });

  it('end for the client when the service ends them or is gone', async () => {
    flowing();
    const ended = await open();
    lastStream().end('data: last\n\n');
    assert.equal(await ended.text(), 'data: last\n\n');

    const broken = await open();
    const reader = readerOf(broken);
    lastStream().write('data: first\n\n');
    assert.equal((await reader.read()).done, false);
    lastStream().destroy();
    assert.equal((await reader.read()).done, true);
  });

  it('do not block calls', async () => {
    flowing();
    const many = await Promise.all(Array.from({ length: 300 }, () => open()));
    assert.equal(streams.length, 300);
    upstreams.answerWith(async () => ({}));
    const calls = await Promise.all(
      Array.from({ length: 200 }, () => fetch(new URL(`/v1/boards/${randomUUID()}`, gateway.url))),
    );
    assert.deepEqual([...new Set(calls.map(({ status }) => status))], [200]);
    await Promise.all(many.map((answer) => answer.body?.cancel()));
  });

  it('have backpressure', async () => {
    const offered = 256 * 1024 * 1024;
    const piece = Buffer.alloc(64 * 1024, 'x');
    let written = 0;
    upstreams.answerWith(async (_request, reply) => {
      const stream = begin(reply);
      const fill = () => {
        while (written < offered) {
          written += piece.length;
          if (!stream.write(piece)) return void stream.once('drain', fill);
        }
      };
      fill();
    });
    const slow = connect(gateway.port, '127.0.0.1');
    slow.pause();
    slow.write(`GET /v1/live/boards/${randomUUID()} HTTP/1.1\r\nhost: x\r\n\r\n`);
    let before = -1;
    let looks = 0;
    await until('no more is taken', () => {
      looks = written === before && written > 0 ? looks + 1 : 0;
      before = written;
      return looks === 25 || written >= offered;
    });
    assert.ok(written < offered / 4, `${written} bytes were taken for a reader who reads nothing`);
    slow.destroy();
  });

  it('are retried within the response timeout', async () => {
    const answers: ((reply: FastifyReply) => void)[] = [
      (reply) => void reply.code(503).send({}),
      (reply) => reply.hijack().raw.destroy(),
      (reply) => void begin(reply).end('data: 1\n\n'),
    ];
    upstreams.answerWith(async (_request, reply) => {
      answers[upstreams.received.length - 1]?.(reply);
      return reply;
    });
    const answer = await open();
    assert.equal(answer.status, 200);
    assert.equal(await answer.text(), 'data: 1\n\n');
    assert.equal(upstreams.received.length, 3);
  });

  it('forward the service’s refusal, and return 503 when no process is up', async () => {
    upstreams.answerWith(async (_request, reply) =>
      reply.code(429).header('retry-after', '30').type('application/problem+json').send('{"a":1}'),
    );
    const refused = await open();
    assert.equal(refused.status, 429);
    assert.equal(refused.headers.get('retry-after'), '30');
    assert.match(String(refused.headers.get('content-type')), /^application\/problem\+json/);
    assert.equal(await refused.text(), '{"a":1}');
    assert.equal(upstreams.received.length, 1);

    const alone = await startGateway({
      ...env,
      POSITION_SERVICE_URL: `http://127.0.0.1:${await closedPort()}`,
      UPSTREAM_TIMEOUT_MS: '300',
    });
    const unreachable = await open(alone.url);
    assert.equal(unreachable.status, 503);
    assert.ok(Number(unreachable.headers.get('retry-after')) >= 1);
    assert.match(((await unreachable.json()) as { type: string }).type, /\/unavailable$/);
    await alone.app.close();
  });

  it('are not opened for a client that disconnects while it is authorised', async (t) => {
    flowing();
    // Without keys the gateway leaves verifying tokens to the service.
    const keysAskedFor: ServerResponse[] = [];
    const auth = createHttpServer((_request, response) => keysAskedFor.push(response));
    auth.listen(0, '127.0.0.1');
    await once(auth, 'listening');
    t.after(() => auth.close());
    const { port } = auth.address() as AddressInfo;
    const unsure = await startGateway({ ...env, AUTH_SERVICE_URL: `http://127.0.0.1:${port}` });
    t.after(() => unsure.app.close());
    const path = `/v1/live/queues/${randomUUID()}`;
    for (let caller = 0; caller < 3; caller++) {
      const asked = once(unsure.app.server, 'request');
      const going = connect(unsure.port, '127.0.0.1');
      going.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`);
      const [request] = await asked;
      going.destroy();
      await until('it has gone', () => request.socket.destroyed);
    }
    await until('keys are asked for', () => keysAskedFor.length > 0);
    for (const response of keysAskedFor) response.writeHead(503).end();

    const stays = open(unsure.url, { headers: { authorization: `Bearer ${token}` } });
    assert.equal((await stays).status, 200);
    await until('nobody else has a stream', () =>
      streams.slice(0, -1).every(({ destroyed }) => destroyed),
    );
    await (await stays).body?.cancel();
  });

  it('respond to HEAD and end', async () => {
    flowing();
    const answer = await rawRequest(gateway.port, {
      path: `/v1/live/boards/${randomUUID()}`,
      method: 'HEAD',
    });
    assert.equal(answer.status, 200);
    await until('the service is rid of it', () => lastStream().destroyed);
  });

  it('end with their connection, also one that is pipelined behind another response', async () => {
    flowing();
    const caller = connect(gateway.port, '127.0.0.1');
    for (let asked = 0; asked < 2; asked++) {
      caller.write(`GET /v1/live/boards/${randomUUID()} HTTP/1.1\r\nhost: x\r\n\r\n`);
    }
    await until('both are open', () => streams.length === 2);
    caller.destroy();
    await until('the service is rid of them', () => streams.every(({ destroyed }) => destroyed));
  });

  it('end at once when they are opened while the gateway stops', async () => {
    const asked = Promise.withResolvers<void>();
    const stopping = await startGateway(env);
    const isStopping = Promise.withResolvers<void>();
    streams = [];
    upstreams.answerWith(async (_request, reply) => {
      asked.resolve();
      await isStopping.promise;
      streams.push(begin(reply));
    });
    const opening = open(stopping.url);
    await asked.promise;
    const closing = stopping.app.close();
    await until('it takes no more', () => !stopping.app.server.listening);
    isStopping.resolve();
    assert.equal((await opening).status, 200);
    assert.equal(await (await opening).text(), '');
    await closing;
    await until('the service is rid of it', () => lastStream().destroyed);
  });

  it('end when the gateway stops', async () => {
    flowing();
    const stopping = await startGateway(env);
    const answer = await open(stopping.url);
    lastStream().write('data: 1\n\n');
    const reading = answer.text();
    const stuck = connect(stopping.port, '127.0.0.1');
    stuck.pause();
    stuck.on('error', () => undefined);
    stuck.write(`GET /v1/live/boards/${randomUUID()} HTTP/1.1\r\nhost: x\r\n\r\n`);
    await until('both are open', () => streams.length === 2);
    const full = new PassThrough();
    full.pipe(lastStream());
    while (full.write(Buffer.alloc(1024 * 1024))) await delay(0);
    await stopping.app.close();
    assert.equal(await reading, 'data: 1\n\n');
    await until('the service is rid of them', () => streams.every(({ destroyed }) => destroyed));
  });
});

describe('a service with several processes', () => {
  it('is called at the next address when one is down, and is ready while one is', async (t) => {
    const upstreams = await startUpstreams();
    t.after(() => upstreams.close());
    const env = gatewayEnvironment(upstreams);
    const gateway = await startGateway({
      ...env,
      POSITION_SERVICE_URL: `http://127.0.0.1:${await closedPort()},${upstreams.urls.position}`,
    });
    t.after(() => gateway.app.close());
    const get = (path: string) => fetch(new URL(path, gateway.url));
    assert.equal((await get('/readyz')).status, 200);
    for (let call = 0; call < 6; call++) {
      assert.equal((await get(`/v1/boards/${randomUUID()}`)).status, 200);
    }
    upstreams.answerWith(async (_request, reply) => void begin(reply).end('data: 1\n\n'));
    for (let call = 0; call < 4; call++) {
      assert.equal(await (await get(`/v1/live/boards/${randomUUID()}`)).text(), 'data: 1\n\n');
    }
    upstreams.ready.position = false;
    const problem = (await (await get('/readyz')).json()) as { detail: string };
    assert.match(problem.detail, /position/);
  });

  it('has its streams spread over all processes, with any calls in between', async (t) => {
    const one = await startUpstreams();
    const two = await startUpstreams(one.internalCredential);
    t.after(() => Promise.all([one.close(), two.close()]));
    const gateway = await startGateway({
      ...gatewayEnvironment(one),
      POSITION_SERVICE_URL: `${one.urls.position},${two.urls.position}`,
    });
    t.after(() => gateway.app.close());
    for (let guest = 0; guest < 4; guest++) {
      for (const path of ['/v1/boards/', '/v1/live/boards/']) {
        await (await fetch(new URL(`${path}${randomUUID()}`, gateway.url))).text();
      }
    }
    for (const { received } of [one, two]) {
      assert.equal(received.filter(({ url }) => url.startsWith('/v1/live/')).length, 2);
      assert.equal(received.length, 4);
    }
  });

  it('responds to a read whose connection to one process was lost', async (t) => {
    const upstreams = await startUpstreams();
    t.after(() => upstreams.close());
    const breaking = createServer((socket) => socket.once('data', () => socket.destroy()));
    breaking.listen(0, '127.0.0.1');
    await once(breaking, 'listening');
    t.after(() => breaking.close());
    const { port } = breaking.address() as AddressInfo;
    const gateway = await startGateway({
      ...gatewayEnvironment(upstreams),
      POSITION_SERVICE_URL: `http://127.0.0.1:${port},${upstreams.urls.position}`,
    });
    t.after(() => gateway.app.close());
    for (let call = 0; call < 4; call++) {
      const answer = await fetch(new URL(`/v1/boards/${randomUUID()}`, gateway.url));
      assert.equal(answer.status, 200);
    }
    assert.equal(upstreams.received.length, 4);
  });
});
