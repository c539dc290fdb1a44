import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { closedPort, shortDeadline } from '@queue-manager/service-kit/testing';
import { password, randomEmail } from '@queue-manager/user/testing';
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { createAuthApp } from './app.ts';
import { openSession, readSessions, sessionsMax } from './sessions.ts';
import { type Accounts, newTokenKey, startAccounts } from './testing.ts';

describe('login', () => {
  let accounts: Accounts;
  before(async () => {
    accounts = await startAccounts();
  });
  after(() => accounts.close());

  it('returns tokens that the published keys verify', async () => {
    const { user, email } = await accounts.users.openAccount();
    const answer = await accounts.login(email.toUpperCase());
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['cache-control'], 'no-store');
    const { accessToken, tokenType, expiresIn } = answer.body;
    assert.deepEqual([tokenType, expiresIn], ['Bearer', 900]);
    assert.deepEqual(decodeProtectedHeader(accessToken), {
      alg: 'ES256',
      typ: 'at+jwt',
      kid: 'first',
    });
    const { body: jwks } = await accounts.call('GET', '/.well-known/jwks.json');
    const { payload } = await jwtVerify(accessToken, createLocalJWKSet(jwks), {
      currentDate: accounts.clock.now(),
    });
    const seconds = accounts.clock.now().getTime() / 1_000;
    assert.deepEqual(payload, {
      sub: user.id,
      sid: payload.sid,
      iss: 'queue-manager',
      aud: 'queue-manager',
      iat: seconds,
      exp: seconds + 900,
    });
    const me = await accounts.users.call('GET', '/v1/users/me', {
      headers: accounts.bearer(answer.body),
    });
    assert.deepEqual(me.body, user);
  });

  it('ends the oldest session of an account at the limit', async () => {
    const { email, pair: first } = await accounts.signIn();
    const { deps, clock } = accounts;
    const userId = decodeJwt(first.accessToken).sub as string;
    for (let count = 1; count < sessionsMax; count += 1) {
      clock.advance(1);
      await openSession(deps, { userId, passwordVersion: 1 });
    }
    const ids = async () => {
      const open = [];
      for await (const { id } of readSessions(deps, userId)) open.push(id);
      return open;
    };
    const full = await ids();
    assert.equal(full.length, sessionsMax);
    clock.advance(1);
    const { body: second } = await accounts.login(email);
    const newest = decodeJwt(second.accessToken).sid;
    assert.deepEqual(await ids(), [newest, ...full.slice(0, -1)]);
    assert.equal((await accounts.refresh(first.refreshToken)).status, 401);
    // Any number above the limit, left by an earlier version.
    for (let count = 0; count < 30; count += 1) {
      await openSession(deps, { userId, passwordVersion: 1 });
    }
    clock.advance(1);
    await accounts.login(email);
    assert.equal((await ids()).length, sessionsMax);
  });

  it('returns an access token that expires after fifteen minutes', async () => {
    const { headers } = await accounts.signIn();
    accounts.clock.advance(15 * 60 - 1);
    assert.equal((await accounts.call('GET', '/v1/auth/sessions', { headers })).status, 200);
    accounts.clock.advance(1);
    assert.equal((await accounts.call('GET', '/v1/auth/sessions', { headers })).status, 401);
  });

  it('responds the same to an unknown e-mail, a pending sign-up and a wrong password', async () => {
    const { email } = await accounts.users.openAccount();
    const pending = randomEmail();
    await accounts.users.post('/v1/users', { name: 'Ana', email: pending, password });
    const answers = [
      await accounts.login(email, 'not the password'),
      await accounts.login(randomEmail(), 'not the password'),
      await accounts.login(pending, password),
    ];
    for (const { status, body } of answers) {
      assert.equal(status, 401);
      assert.match(body.type, /invalid-credentials$/);
      assert.deepEqual({ ...body, requestId: '' }, { ...answers[0]?.body, requestId: '' });
    }
  });

  it('returns 400 naming the invalid field', async () => {
    for (const [path, body] of [
      ['email', { email: 'nobody', password }],
      ['password', { email: randomEmail(), password: '' }],
      ['role', { email: randomEmail(), password, role: 'owner' }],
    ] as const) {
      const answer = await accounts.call('POST', '/v1/auth/login', { body });
      assert.equal(answer.status, 400);
      assert.equal(answer.body.errors[0].path, path);
    }
  });

  it('waits for a user service that is restarting', async (t) => {
    const port = await closedPort();
    const url = `http://127.0.0.1:${port}`;
    const auth = createAuthApp(accounts.makeDeps({ USER_SERVICE_URL: url }));
    t.after(() => auth.close());
    const { email } = await accounts.users.openAccount();
    const answer = accounts.call('POST', '/v1/auth/login', { body: { email, password } }, auth);
    await assert.rejects(fetch(url));
    const users = await accounts.users.startAnother(port);
    t.after(() => users.close());
    assert.equal((await answer).status, 200);
  });

  it('returns 503 while the user service is unavailable', async () => {
    const lonely = createAuthApp(accounts.makeDeps({ USER_SERVICE_URL: 'http://127.0.0.1:1' }));
    const answer = await accounts.call(
      'POST',
      '/v1/auth/login',
      { body: { email: randomEmail(), password }, headers: shortDeadline },
      lonely,
    );
    assert.equal(answer.status, 503);
    assert.ok(answer.headers['retry-after']);
    await lonely.close();
  });

  it('signs with the first key and publishes all public keys', async () => {
    const TOKEN_KEYS = JSON.stringify([newTokenKey('next'), ...accounts.tokenKeys]);
    const rotated = createAuthApp(accounts.makeDeps({ TOKEN_KEYS }));
    const { email } = await accounts.users.openAccount();
    const body = { email, password };
    const { accessToken } = (await accounts.call('POST', '/v1/auth/login', { body }, rotated)).body;
    assert.equal(decodeProtectedHeader(accessToken).kid, 'next');
    const jwks = await accounts.call('GET', '/.well-known/jwks.json', {}, rotated);
    assert.deepEqual(
      jwks.body.keys.map((key: Record<string, string>) => [key.kid, key.alg, key.use, key.d]),
      [
        ['next', 'ES256', 'sig', undefined],
        ['first', 'ES256', 'sig', undefined],
      ],
    );
    // Tokens of the older key are still valid.
    const earlier = (await accounts.login(email)).body;
    const sessions = await accounts.call(
      'GET',
      '/v1/auth/sessions',
      { headers: accounts.bearer(earlier) },
      rotated,
    );
    assert.equal(sessions.status, 200);
    assert.equal(sessions.body.data.length, 2);
    assert.ok(decodeJwt(accessToken).sid !== decodeJwt(earlier.accessToken).sid);
    await rotated.close();
  });
});
