import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, afterEach, before, describe, it } from 'node:test';
import { startRedisCluster } from '@queue-manager/position/testing';
import { startWire, testEnv, until } from '@queue-manager/service-kit/testing';
import { Redis } from 'ioredis';
import {
  type Gateway,
  gatewayEnvironment,
  startGateway,
  startUpstreams,
  type Upstreams,
} from './testing.ts';

/** Higher than any test needs, so that only the limit under test applies. */
const roomy = Object.fromEntries(
  [
    'CREDENTIALS',
    'CREDENTIALS_ADDRESS',
    'JOIN',
    'TICKET',
    'TICKET_ADDRESS',
    'ACCOUNT',
    'ADDRESS',
  ].map((name) => [`RATE_LIMIT_${name}_PER_MINUTE`, '100000']),
);
/** Long enough for a busy machine: a slower call would not be counted. */
const patient = { REDIS_TIMEOUT_MS: '30000' };
const trusting = { TRUSTED_PROXIES: '127.0.0.1' };

describe('rate limits', () => {
  let upstreams: Upstreams;
  const gateways: Gateway[] = [];

  before(async () => {
    upstreams = await startUpstreams();
  });
  after(() => upstreams.close());
  /** Separate counts for each test: the keys depend on the credential. */
  const apart = () => ({
    ...gatewayEnvironment(upstreams),
    INTERNAL_CREDENTIAL: randomBytes(32).toString('base64url'),
  });
  afterEach(async () => {
    await Promise.all(gateways.splice(0).map(({ app }) => app.close()));
    upstreams.received.length = 0;
  });

  /** A gateway with its own limits, which takes client addresses from X-Forwarded-For. */
  async function gatewayWith(env: Record<string, string>): Promise<Gateway> {
    const gateway = await startGateway({
      ...apart(),
      ...roomy,
      ...patient,
      ...trusting,
      ...env,
    });
    gateways.push(gateway);
    return gateway;
  }

  type Call = {
    path: string;
    body?: unknown;
    from?: string;
    token?: string;
    method?: string;
  };
  const call = (gateway: Gateway, { path, body, from, token, method }: Call) =>
    fetch(new URL(path, gateway.url), {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        'x-forwarded-for': from ?? '203.0.113.1',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  const statusOf = async (gateway: Gateway, options: Call) => (await call(gateway, options)).status;
  const login = (email: string, from?: string): Call => ({
    path: '/v1/auth/login',
    body: { email, password: 'wrong' },
    ...(from === undefined ? {} : { from }),
  });

  it('counts the e-mail of a body as the services read it', async () => {
    const gateway = await gatewayWith({ RATE_LIMIT_CREDENTIALS_PER_MINUTE: '2' });
    const body = JSON.stringify({ email: 'ana@example.com', password: 'wrong' });
    assert.equal(await statusOf(gateway, { ...login(''), body: `\ufeff${body}` }), 200);
    assert.equal(await statusOf(gateway, login('\u202aana@example.com\u202c\u200b')), 200);
    assert.equal(await statusOf(gateway, login('ana@example.com')), 429);
    const response = await fetch(new URL('/v1/auth/login', gateway.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: Buffer.from('{"email":"jos\u00e9@example.com"}', 'latin1'),
    });
    assert.equal(response.status, 400);
  });

  it('counts credentials by e-mail and address, separately for each route', async () => {
    const gateway = await gatewayWith({ RATE_LIMIT_CREDENTIALS_PER_MINUTE: '2' });
    assert.equal(await statusOf(gateway, login('ana@example.com')), 200);
    assert.equal(await statusOf(gateway, login(' ANA@Example.com ')), 200);

    const refused = await call(gateway, login('Ana@example.com'));
    assert.equal(refused.status, 429);
    assert.equal(refused.headers.get('content-type'), 'application/problem+json');
    const problem = (await refused.json()) as { type: string };
    assert.match(problem.type, /\/too-many-requests$/);
    const retryAfter = Number(refused.headers.get('retry-after'));
    assert.ok(retryAfter >= 1 && retryAfter <= 60);
    assert.equal(refused.headers.get('ratelimit-limit'), '2');
    assert.equal(refused.headers.get('ratelimit-remaining'), '0');
    assert.equal(upstreams.received.length, 2);

    for (const path of ['/v1/users', '/v1/users/password/forgot', '/v1/users/verify/resend']) {
      const body = { email: 'ana@example.com' };
      assert.equal(await statusOf(gateway, { path, body }), 200, path);
      assert.equal(await statusOf(gateway, { path, body }), 200, path);
      assert.equal(await statusOf(gateway, { path, body }), 429, path);
    }
    assert.equal(await statusOf(gateway, login('ana@example.com', '203.0.113.2')), 200);
    assert.equal(await statusOf(gateway, login('rui@example.com')), 200);
  });

  it('refuses a body that it cannot count but a service could read', async () => {
    const gateway = await gatewayWith({ RATE_LIMIT_CREDENTIALS_PER_MINUTE: '1' });
    assert.equal(await statusOf(gateway, login('ana@example.com')), 200);
    const text = JSON.stringify({ email: 'ana@example.com', password: 'x' });
    for (const [body, status] of [
      [`\uFEFF${text}`, 429],
      [`${text},`, 400],
      ['{"email":"other@example.com","email":"ana@example.com"}', 429],
      ['{"em\\u0061il":"ana\\u0040example.com"}', 429],
    ] as const) {
      assert.equal(await statusOf(gateway, { path: '/v1/auth/login', body }), status, body);
    }
    for (const body of ['null', '[]', '{"email":7}', '"ana@example.com"', '{}']) {
      assert.equal(await statusOf(gateway, { path: '/v1/auth/login', body }), 200, body);
    }
  });

  it('counts credentials by address, for any e-mails', async () => {
    const gateway = await gatewayWith({ RATE_LIMIT_CREDENTIALS_ADDRESS_PER_MINUTE: '3' });
    for (const name of ['a', 'b', 'c']) {
      assert.equal(await statusOf(gateway, login(`${name}@example.com`)), 200);
    }
    assert.equal(await statusOf(gateway, login('d@example.com')), 429);
    assert.equal(await statusOf(gateway, login('d@example.com', '203.0.113.2')), 200);
  });

  it('counts joins by address over all gateways', async () => {
    const env = {
      ...apart(),
      ...roomy,
      ...patient,
      ...trusting,
      RATE_LIMIT_JOIN_PER_MINUTE: '5',
    };
    const one = await startGateway(env);
    const other = await startGateway(env);
    gateways.push(one, other);
    const join = { path: '/v1/join/abc', body: { name: 'Ana' } };
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) => statusOf(index % 2 === 0 ? one : other, join)),
    );
    assert.equal(answers.filter((status) => status === 200).length, 5);
    assert.equal(answers.filter((status) => status === 429).length, 7);
    assert.equal(await statusOf(other, { ...join, from: '203.0.113.2' }), 200);
    assert.equal(await statusOf(other, { path: '/v1/join/abc' }), 200);
  });

  it('limits guesses at one account from many addresses, and lets those in that are known', async () => {
    const gateway = await gatewayWith({});
    const owner = login('ana@example.com', '203.0.113.9');
    // The sign-in is remembered after its response.
    upstreams.answerWith((_request, reply) => reply.code(200).send({}));
    assert.equal(await statusOf(gateway, owner), 200);
    upstreams.answerWith((_request, reply) => reply.code(401).send({}));
    const guess = (n: number) => statusOf(gateway, login('ANA@example.com', `198.51.100.${n}`));
    const statuses = [];
    for (let n = 1; n <= 80; n++) statuses.push(await guess(n));
    assert.ok(statuses.slice(0, 59).every((status) => status === 401));
    assert.ok(statuses.slice(60).every((status) => status === 429));
    assert.equal(await statusOf(gateway, owner), 401);
    assert.equal(await statusOf(gateway, login('rui@example.com', '198.51.100.1')), 401);
    upstreams.answerWith(async () => ({}));
  });

  it('takes the connections of one address as one caller, whatever their ports', async () => {
    const gateway = await gatewayWith({ RATE_LIMIT_CREDENTIALS_PER_MINUTE: '2' });
    const from = ['203.0.113.7:50001', '203.0.113.7:50002', '203.0.113.7'];
    const of6 = ['[2001:db8::7]:50001', '[2001:db8::7]', '2001:db8::7'];
    for (const addresses of [from, of6]) {
      const statuses = [];
      for (const address of addresses) {
        statuses.push(await statusOf(gateway, login('ana@example.com', address)));
      }
      assert.deepEqual(statuses, [200, 200, 429]);
    }
  });

  it('stores neither addresses nor e-mails in Redis', async () => {
    const gateway = await gatewayWith({});
    const redis = new Redis(testEnv('REDIS_URL'));
    await call(gateway, login('somebody-unmistakable@example.com', '198.51.100.77'));
    const keys: string[] = await redis.keys('rate-limit:*');
    await redis.quit();
    assert.ok(keys.some((key) => key.startsWith('rate-limit:credentials:')));
    assert.ok(!keys.some((key) => key.includes('unmistakable') || key.includes('198.51')));
  });

  it('counts by ticket, and all tickets by address', async () => {
    const gateway = await gatewayWith({
      RATE_LIMIT_TICKET_PER_MINUTE: '3',
      RATE_LIMIT_TICKET_ADDRESS_PER_MINUTE: '9',
    });
    const position = (ticket: string, from?: string) =>
      statusOf(gateway, {
        path: `/v1/positions/${ticket}`,
        ...(from === undefined ? {} : { from }),
      });
    for (const status of [200, 200, 200, 429]) assert.equal(await position('first'), status);
    assert.equal(await position('first', '203.0.113.2'), 429);
    for (let calls = 0; calls < 3; calls++) assert.equal(await position('second'), 200);
    // The limit is per ticket, for all calls with it.
    assert.equal(await statusOf(gateway, { path: '/v1/tickets/second' }), 429);
    assert.equal(await position('third'), 200);
    assert.equal(await position('fourth'), 429);
    assert.equal(await position('fourth', '203.0.113.2'), 200);
  });

  it('counts by API key, and calls without one by address', async () => {
    const gateway = await gatewayWith({
      RATE_LIMIT_KEY_PER_MINUTE: '3',
      RATE_LIMIT_TICKET_ADDRESS_PER_MINUTE: '7',
      RATE_LIMIT_ADDRESS_PER_MINUTE: '1',
    });
    const stats = (token: string, from?: string) =>
      statusOf(gateway, {
        path: '/v1/consumer/stats',
        token,
        ...(from === undefined ? {} : { from }),
      });
    for (const status of [200, 200, 200, 429]) assert.equal(await stats('qm_one'), status);
    assert.equal(await stats('qm_one', '203.0.113.2'), 429);
    for (const status of [200, 200, 200, 429]) assert.equal(await stats('qm_two'), status);
    assert.equal(await stats('qm_two', '203.0.113.2'), 429);
    assert.equal(await stats('qm_three', '203.0.113.2'), 200);
    for (const status of [200, 429]) assert.equal(await stats('none', '203.0.113.3'), status);
  });

  it('counts by account, and without a valid token by address', async () => {
    const gateway = await gatewayWith({
      RATE_LIMIT_ACCOUNT_PER_MINUTE: '3',
      RATE_LIMIT_ADDRESS_PER_MINUTE: '2',
    });
    const [sub, other] = [randomUUID(), randomUUID()];
    const token = await upstreams.token({ sub });
    const sameAccount = await upstreams.token({ sub });
    const me = (bearer: string, from?: string) =>
      statusOf(gateway, {
        path: '/v1/users/me',
        token: bearer,
        ...(from === undefined ? {} : { from }),
      });
    assert.equal(await me(token), 200);
    assert.equal(await me(sameAccount, '203.0.113.2'), 200);
    assert.equal(await me(token), 200);
    assert.equal(await me(sameAccount, '203.0.113.3'), 429);
    assert.equal(await me(await upstreams.token({ sub: other })), 200);

    assert.equal(await me('nonsense'), 401);
    assert.equal(await statusOf(gateway, { path: '/v1/users/me' }), 401);
    assert.equal(await me('nonsense'), 429);
    assert.equal(await statusOf(gateway, { path: '/v1/boards/abc' }), 429);
    assert.equal(await me(await upstreams.token({ sub: other })), 200);
  });

  it('counts password checks by account', async () => {
    const gateway = await gatewayWith({ RATE_LIMIT_CREDENTIALS_PER_MINUTE: '2' });
    const token = await upstreams.token({ sub: randomUUID() });
    const change = (from: string) =>
      statusOf(gateway, {
        path: '/v1/users/me/password',
        body: { currentPassword: 'guess', newPassword: 'another one' },
        token,
        from,
      });
    assert.notEqual(await change('203.0.113.1'), 429);
    assert.notEqual(await change('203.0.113.2'), 429);
    assert.equal(await change('203.0.113.3'), 429);
    assert.equal(await statusOf(gateway, { path: '/v1/users/me', token }), 200);
  });

  it('counts everything else by address, for IPv6 by network', async () => {
    const gateway = await gatewayWith({ RATE_LIMIT_ADDRESS_PER_MINUTE: '2' });
    const board = (from: string) => statusOf(gateway, { path: '/v1/boards/abc', from });
    assert.equal(await board('2001:db8:1:2::1'), 200);
    assert.equal(await board('2001:db8:1:2:ffff::9'), 200);
    assert.equal(await board('2001:db8:1:2::3'), 429);
    assert.equal(await board('2001:db8:1:3::1'), 200);
    assert.equal(await statusOf(gateway, { path: '/openapi.json', from: '2001:db8:1:3::2' }), 200);
    assert.equal(await statusOf(gateway, { path: '/docs', from: '2001:db8:1:3::4' }), 429);
    assert.equal(await statusOf(gateway, { path: '/livez', from: '2001:db8:1:3::4' }), 200);
  });

  it('ignores X-Forwarded-For of untrusted clients', async () => {
    const gateway = await startGateway({
      ...apart(),
      ...roomy,
      RATE_LIMIT_ADDRESS_PER_MINUTE: '2',
    });
    gateways.push(gateway);
    for (const [host, status] of [
      [1, 200],
      [2, 200],
      [3, 429],
    ]) {
      const answer = await statusOf(gateway, {
        path: '/v1/boards/abc',
        from: `203.0.113.${host}`,
      });
      assert.equal(answer, status);
    }
  });

  it('allows an account its documented rate', async () => {
    const gateway = await startGateway(apart());
    gateways.push(gateway);
    const token = await upstreams.token();
    for (let batch = 0; batch < 31; batch++) {
      const answers = await Promise.all(
        Array.from({ length: 200 }, () => call(gateway, { path: '/v1/venues', token })),
      );
      for (const answer of answers) {
        assert.equal(answer.status, 200);
        await answer.arrayBuffer();
      }
    }
  });

  it('counts on every node of a Redis Cluster', async (t) => {
    const cluster = await startRedisCluster();
    t.after(() => cluster.remove());
    const gateway = await gatewayWith({
      REDIS_URL: cluster.url,
      REDIS_CLUSTER: 'true',
      RATE_LIMIT_CREDENTIALS_PER_MINUTE: '1',
    });
    for (let index = 0; index < 20; index++) {
      const email = `guest-${index}@example.com`;
      assert.equal(await statusOf(gateway, login(email)), 200);
      assert.equal(await statusOf(gateway, login(email)), 429, email);
    }
  });

  it('counts on its own while Redis is unavailable, and with the others afterwards', async () => {
    const target = new URL(testEnv('REDIS_URL'));
    const wire = await startWire({ host: target.hostname, port: Number(target.port) });
    const gateway = await gatewayWith({
      REDIS_URL: Object.assign(new URL(target), { port: wire.port }).href,
      RATE_LIMIT_CREDENTIALS_PER_MINUTE: '2',
      REDIS_TIMEOUT_MS: '100',
    });
    const isCounting = async () => {
      const email = `${randomUUID()}@example.com`;
      for (let calls = 0; calls < 2; calls++) await call(gateway, login(email));
      return (await statusOf(gateway, login(email))) === 429;
    };
    await until('the first counts arrive', isCounting);

    for (const state of ['silent', 'cut', 'silent'] as const) {
      // Redis does not come back by itself, so a call that waits for it would never end.
      wire.set(state);
      const email = `${randomUUID()}@example.com`;
      const statuses = [];
      for (let calls = 0; calls < 4; calls++) statuses.push(await statusOf(gateway, login(email)));
      assert.deepEqual(statuses, [200, 200, 429, 429]);
    }
    wire.set('whole');
    await until('the counts are back', isCounting);
    await gateway.app.close();
    await wire.close();
  });
});
