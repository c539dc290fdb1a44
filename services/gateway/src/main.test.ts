import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { closedPort, until } from '@queue-manager/service-kit/testing';
import { gatewayEnvironment, rawRequest, startUpstreams, type Upstreams } from './testing.ts';

const main = join(import.meta.dirname, 'main.ts');

type Run = { child: ChildProcess; out: () => string; errors: () => string };

function run(env: Record<string, string>): Run {
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks = { out: '', errors: '' };
  child.stdout?.on('data', (chunk) => {
    chunks.out += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    chunks.errors += chunk;
  });
  return { child, out: () => chunks.out, errors: () => chunks.errors };
}

describe('gateway process', () => {
  let upstreams: Upstreams;
  before(async () => {
    upstreams = await startUpstreams();
  });
  after(() => upstreams.close());

  it('exits with one line that names every invalid setting', async () => {
    const { child, errors } = run({
      ...gatewayEnvironment(upstreams),
      QUEUE_SERVICE_URL: '',
      POSITION_SERVICE_URL: 'http://127.0.0.1:1/path',
      TRUSTED_PROXIES: '10.0.0.0/8,10.0.0.0/33',
      CORS_ORIGINS: 'http://localhost:3000/',
      RATE_LIMIT_JOIN_PER_MINUTE: '0',
    });
    const [code] = await once(child, 'close');
    assert.equal(code, 1);
    assert.equal(errors().trim().split('\n').length, 1);
    for (const name of [
      'QUEUE_SERVICE_URL is missing',
      'POSITION_SERVICE_URL',
      'TRUSTED_PROXIES',
      'CORS_ORIGINS',
      'RATE_LIMIT_JOIN_PER_MINUTE',
    ]) {
      assert.ok(errors().includes(name), errors());
    }
  });

  it('starts without Redis, logs no ticket, token or e-mail, and stops on SIGTERM', async (t) => {
    const secret = randomBytes(16).toString('base64url');
    const ticket = `ticket-${secret}`;
    const gateway = run({
      ...gatewayEnvironment(upstreams),
      LOG_LEVEL: 'trace',
      REDIS_URL: `redis://127.0.0.1:${await closedPort()}`,
      RATE_LIMIT_TICKET_PER_MINUTE: '4',
      UPSTREAM_TIMEOUT_MS: '2000',
    });
    t.after(() => gateway.child.kill('SIGKILL'));
    const port = await until('the gateway listens', () => {
      const address = /listening at http:\/\/127\.0\.0\.1:(\d+)/.exec(gateway.out());
      return address === null ? null : Number(address[1]);
    });
    const get = (path: string, headers: Record<string, string> = {}) =>
      rawRequest(port, { path, headers });

    assert.equal((await get(`/v1/positions/${ticket}`)).status, 200);
    assert.equal((await get(`/v1/positions/${ticket}`, { authorization: secret })).status, 200);
    upstreams.answerWith((_request, reply) => reply.code(500).send({ ticket }));
    assert.equal((await get(`/v1/positions/${ticket}`)).status, 500);
    const gate = Promise.withResolvers<void>();
    upstreams.answerWith(() => gate.promise);
    assert.equal((await get(`/v1/positions/${ticket}`)).status, 503);
    gate.resolve();
    assert.equal((await get(`/v1/positions/${ticket}`)).status, 429);

    const stream = new PassThrough();
    upstreams.answerWith((_request, reply) => reply.type('text/event-stream').send(stream));
    stream.write('data: 1\n\n');
    const aborter = new AbortController();
    const live = await fetch(`http://127.0.0.1:${port}/v1/live/tickets/${ticket}-live`, {
      signal: aborter.signal,
    });
    assert.equal(live.status, 200);
    aborter.abort();
    await until('the service sees the caller gone', () => stream.destroyed);

    await upstreams.stop('position');
    assert.equal((await get(`/v1/positions/${ticket}-away`)).status, 503);
    for (const path of [
      `/v1/nothing/${ticket}`,
      `/v1/tickets/..%2f${ticket}`,
      `/v1/tickets/%E0%A4%A${ticket}`,
      `/v1/tickets/${ticket.repeat(30)}`,
    ]) {
      assert.equal((await get(path)).status, 404);
    }
    assert.equal((await get('/v1/users/me', { authorization: `Bearer ${secret}` })).status, 401);
    for (const body of [`{"email":"${secret}@example.com","password":"${secret}"}`, `{${secret}`]) {
      await rawRequest(port, {
        path: '/v1/auth/login',
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
    }

    gateway.child.kill('SIGTERM');
    const [code] = await once(gateway.child, 'close');
    assert.equal(code, 0);
    assert.ok(gateway.out().includes('"route":"/v1/positions/:ticket"'));
    assert.ok(gateway.out().includes('Redis is unavailable: this gateway counts alone'));
    assert.ok(!gateway.out().includes(secret));
    assert.ok(!gateway.errors().includes(secret));
  });
});
