import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { tokenLives } from '@queue-manager/contracts/tokens';
import { createLogger } from '@queue-manager/service-kit/logging';
import { shortDeadline } from '@queue-manager/service-kit/testing';
import { password } from '@queue-manager/user/testing';
import { decodeJwt } from 'jose';
import { createAuthApp } from './app.ts';
import { createRefreshCookie } from './refresh-cookie.ts';
import { type Accounts, publicUrl, startAccounts } from './testing.ts';

const name = '__Secure-qm_refresh';
const month = tokenLives.refreshSeconds;

describe('the refresh cookie', () => {
  let accounts: Accounts;
  before(async () => {
    accounts = await startAccounts();
  });
  after(() => accounts.close());

  type Answer = Awaited<ReturnType<Accounts['call']>>;
  type Headers = Record<string, string>;

  /** Sends a POST as the backoffice in a browser does. */
  const post = (
    path: 'login' | 'refresh' | 'logout',
    { cookie, headers = {}, body }: { cookie?: string; headers?: Headers; body?: unknown } = {},
    on = accounts.app,
  ) =>
    accounts.call(
      'POST',
      `/v1/auth/${path}`,
      {
        ...(body === undefined ? {} : { body }),
        headers: {
          'sec-fetch-site': 'same-origin',
          origin: publicUrl,
          ...(cookie === undefined ? {} : { cookie: `theme=dark; ${name}=${cookie}` }),
          ...headers,
        },
      },
      on,
    );
  const loginBody = (email: string) => ({ email, password, session: 'cookie' });

  /** The token that the response stores in the browser; undefined when it stores none. */
  function stored({ headers }: Answer): string | undefined {
    const header = headers['set-cookie'];
    if (header === undefined) return undefined;
    const [, token] = new RegExp(`^${name}=([\\w-]*);`).exec(String(header)) ?? [];
    return token;
  }
  async function signIn(cookie?: string) {
    const { email } = await accounts.users.openAccount();
    const answer = await post('login', {
      body: loginBody(email),
      ...(cookie === undefined ? {} : { cookie }),
    });
    assert.equal(answer.status, 200);
    const token = stored(answer);
    assert.ok(token);
    return { email, answer, cookie: token, bearer: accounts.bearer(answer.body) };
  }
  /** Refreshes successfully and returns the token that the browser then has. */
  async function next(cookie: string): Promise<string> {
    const answer = await post('refresh', { cookie });
    assert.equal(answer.status, 200);
    return stored(answer) ?? cookie;
  }
  function refused(answer: Answer, status: number, code: string): void {
    assert.equal(answer.status, status);
    assert.ok(answer.body.type.endsWith(`/${code}`), answer.body.type);
    assert.equal(answer.headers['set-cookie'], undefined);
  }

  it('holds the refresh token instead of the body, out of reach of scripts and other paths', async () => {
    const { answer, cookie } = await signIn();
    const attributes = `Max-Age=${month}; Path=/v1/auth; HttpOnly; Secure; SameSite=Strict`;
    assert.equal(answer.headers['set-cookie'], `${name}=${cookie}; ${attributes}`);
    assert.deepEqual(Object.keys(answer.body).toSorted(), [
      'accessToken',
      'expiresIn',
      'tokenType',
    ]);
    assert.equal(answer.headers['cache-control'], 'no-store');

    const refreshed = await post('refresh', { cookie });
    assert.equal(refreshed.status, 200);
    const successor = stored(refreshed);
    assert.ok(successor && successor !== cookie);
    assert.equal(refreshed.headers['set-cookie'], `${name}=${successor}; ${attributes}`);
    assert.equal(refreshed.body.refreshToken, undefined);
    const sessions = await accounts.sessionsOf(accounts.bearer(refreshed.body));
    assert.equal(sessions.length, 1);
    assert.equal(decodeJwt(refreshed.body.accessToken).sid, sessions[0]?.id);
  });

  it('is not secure where the backoffice is served over plain HTTP', async () => {
    const plain = createAuthApp(accounts.makeDeps({ PUBLIC_URL: 'http://192.168.1.20:8080' }));
    const { email } = await accounts.users.openAccount();
    const headers = { 'sec-fetch-site': 'same-origin' };
    const { headers: answered } = await accounts.call(
      'POST',
      '/v1/auth/login',
      { body: loginBody(email), headers },
      plain,
    );
    const shape =
      /^qm_refresh=[\w-]+; Max-Age=2592000; Path=\/v1\/auth; HttpOnly; SameSite=Strict$/;
    assert.match(String(answered['set-cookie']), shape);
    await plain.close();
  });

  it('is not set for a caller that does not ask for it', async () => {
    const { email } = await accounts.users.openAccount();
    const answer = await accounts.login(email);
    assert.equal(answer.headers['set-cookie'], undefined);
    assert.ok(answer.body.refreshToken);
    const refreshed = await accounts.refresh(answer.body.refreshToken);
    assert.equal(refreshed.headers['set-cookie'], undefined);
    assert.ok(refreshed.body.refreshToken);
  });

  it('is ignored where the body has a token, which then gets its successor', async () => {
    const { cookie } = await signIn();
    const { pair } = await accounts.signIn();
    const { refreshToken } = pair;
    const answer = await post('refresh', { cookie, body: { refreshToken } });
    assert.equal(answer.status, 200);
    assert.ok(answer.body.refreshToken);
    assert.equal(answer.headers['set-cookie'], undefined);
    assert.equal(decodeJwt(answer.body.accessToken).sub, decodeJwt(pair.accessToken).sub);
    // Also where only the cookie is good.
    refused(
      await post('refresh', { cookie, body: { refreshToken: 'x' } }),
      401,
      'invalid-refresh-token',
    );
  });

  it('is required where the body has no token', async () => {
    for (const body of [undefined, {}]) {
      refused(await post('refresh', { body }), 401, 'unauthenticated');
    }
    refused(await post('refresh', { cookie: 'x' }), 401, 'invalid-refresh-token');
    refused(await post('refresh', { cookie: '' }), 401, 'invalid-refresh-token');
  });

  it('gets the same successor in tabs that refresh at the same time', async () => {
    const { cookie } = await signIn();
    const answers = await Promise.all(Array.from({ length: 8 }, () => post('refresh', { cookie })));
    const successors = new Set(answers.map(stored));
    assert.equal(successors.size, 1);
    const [successor] = successors;
    assert.ok(successor);
    accounts.clock.advance(tokenLives.accessSeconds);
    assert.notEqual(await next(successor), successor);
  });

  it('gets the same successor again when the response was lost, for twenty seconds', async () => {
    const { cookie } = await signIn();
    const successor = await next(cookie);
    accounts.clock.advance(tokenLives.reuseGraceSeconds);
    assert.equal(await next(cookie), successor);
    accounts.clock.advance(tokenLives.accessSeconds);
    await next(successor);
  });

  it('stays while it is new, so that no late response puts an older one in its place', async () => {
    const { cookie } = await signIn();
    const first = await next(cookie);
    // Another tab whose response is late.
    accounts.clock.advance(tokenLives.reuseGraceSeconds);
    const late = await post('refresh', { cookie });
    assert.equal(stored(late), first);
    accounts.clock.advance(tokenLives.cookieMinSeconds - tokenLives.reuseGraceSeconds);
    const kept = await post('refresh', { cookie: first });
    assert.deepEqual([kept.status, kept.headers['set-cookie']], [200, undefined]);
    assert.ok(kept.body.accessToken);
    accounts.clock.advance(0.001);
    const second = await next(first);
    assert.notEqual(second, first);
    // Only now would a response that stores the first be too late; the last one was sent 20 s ago.
    assert.equal(await next(first), second);
  });

  it('ends its session when a token is used again later', async () => {
    const { cookie } = await signIn();
    const successor = await next(cookie);
    accounts.clock.advance(tokenLives.reuseGraceSeconds + 0.001);
    refused(await post('refresh', { cookie }), 401, 'invalid-refresh-token');
    refused(await post('refresh', { cookie: successor }), 401, 'invalid-refresh-token');
  });

  const others: [string, Headers][] = [
    ['another site', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.test' }],
    ['a subdomain or another port', { 'sec-fetch-site': 'same-site', origin: `${publicUrl}:8443` }],
    ['a link or bookmark', { 'sec-fetch-site': 'none' }],
    ['its own origin in the name of another site', { 'sec-fetch-site': 'cross-site' }],
  ];
  const olderBrowsers: [string, Headers][] = [
    ['another site in an older browser', { origin: 'https://evil.test' }],
    ['another port in an older browser', { origin: `${publicUrl}:8443` }],
    ['the same host over plain HTTP', { origin: publicUrl.replace('https', 'http') }],
    ['a sandboxed frame', { origin: 'null' }],
  ];
  for (const [sender, headers] of [...others, ...olderBrowsers]) {
    it(`is refused from ${sender}`, async () => {
      const { email, cookie } = await signIn();
      // An older browser sends no Sec-Fetch-Site.
      const send = (path: string, body?: unknown) =>
        accounts.call('POST', `/v1/auth/${path}`, {
          ...(body === undefined ? {} : { body }),
          headers: { cookie: `${name}=${cookie}`, ...headers },
        });
      refused(await send('login', loginBody(email)), 403, 'forbidden');
      refused(await send('refresh'), 403, 'forbidden');
      refused(await send('logout'), 403, 'forbidden');
      // Nothing has happened; and programs of other origins can still use tokens.
      const { refreshToken } = (await accounts.login(email)).body;
      assert.equal((await send('refresh', { refreshToken })).status, 200);
      await next(cookie);
    });
  }

  it('is accepted from an older browser, and from a program that sends neither header', async () => {
    const { cookie } = await signIn();
    for (const headers of [{ origin: publicUrl }, {}] as Headers[]) {
      const { status } = await accounts.call('POST', '/v1/auth/refresh', {
        headers: { cookie: `${name}=${cookie}`, ...headers },
      });
      assert.equal(status, 200);
    }
  });

  it('ends with its session by logout, also without an access token', async () => {
    for (const headers of [{}, { authorization: 'Bearer expired' }] as Headers[]) {
      const { cookie } = await signIn();
      const answer = await post('logout', { cookie, headers });
      assert.deepEqual([answer.status, answer.body], [204, undefined]);
      assert.equal(
        answer.headers['set-cookie'],
        `${name}=; Max-Age=0; Path=/v1/auth; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Strict`,
      );
      assert.equal(answer.headers['cache-control'], 'no-store');
      refused(await post('refresh', { cookie }), 401, 'invalid-refresh-token');
      // Repeated, as after a lost response.
      assert.equal((await post('logout', { cookie })).status, 204);
    }
    assert.equal((await post('logout')).status, 401);
  });

  it('ends together with the session of the access token by logout', async () => {
    const ofToken = await accounts.signIn();
    const { cookie } = await signIn();
    const answer = await post('logout', { cookie, headers: ofToken.headers });
    assert.equal(answer.status, 204);
    assert.equal((await accounts.refresh(ofToken.pair.refreshToken)).status, 401);
    refused(await post('refresh', { cookie }), 401, 'invalid-refresh-token');
    // A program that signs out has no cookie to delete.
    const program = await accounts.signIn();
    const { headers } = await post('logout', { headers: program.headers });
    assert.equal(headers['set-cookie'], undefined);
  });

  it('ends no session when it is forged', async () => {
    const { cookie } = await signIn();
    const forged = `${cookie.slice(0, -4)}AAAA`;
    assert.equal((await post('logout', { cookie: forged })).status, 204);
    await signIn(forged);
    await next(cookie);
  });

  it('ends the session that a new sign-in replaces', async () => {
    const first = await signIn();
    const second = await signIn(first.cookie);
    refused(await post('refresh', { cookie: first.cookie }), 401, 'invalid-refresh-token');
    await next(second.cookie);
    // But not when the password is wrong, or when the new session has no cookie.
    const { email } = await accounts.users.openAccount();
    const wrong = await post('login', {
      cookie: second.cookie,
      body: { ...loginBody(email), password: 'not the password' },
    });
    refused(wrong, 401, 'invalid-credentials');
    await post('login', { cookie: second.cookie, body: { email, password } });
    await next(second.cookie);
  });

  it('is refused after the password was reset', async () => {
    const { email, cookie } = await signIn();
    await accounts.users.post('/v1/users/password/forgot', { email });
    const token = await accounts.users.mailedToken(email);
    await accounts.users.post('/v1/users/password/reset', { token, password: 'a new password' });
    refused(await post('refresh', { cookie }), 401, 'invalid-refresh-token');
  });

  it('stays valid while the user service is unavailable', async () => {
    const { cookie } = await signIn();
    const lonely = createAuthApp(accounts.makeDeps({ USER_SERVICE_URL: 'http://127.0.0.1:1' }));
    const answer = await post('refresh', { cookie, headers: shortDeadline }, lonely);
    refused(answer, 503, 'unavailable');
    await lonely.close();
    accounts.clock.advance(60);
    await next(cookie);
  });

  it('is in no log line', async () => {
    const lines: string[] = [];
    const logger = createLogger({
      name: 'auth',
      level: 'trace',
      destination: { write: (line: string) => lines.push(line) },
    });
    const logging = createAuthApp({ ...accounts.makeDeps(), logger });
    const { email } = await accounts.users.openAccount();
    const answer = await post('login', { body: loginBody(email) }, logging);
    const cookie = stored(answer) ?? '';
    const refreshed = await post('refresh', { cookie }, logging);
    const successor = stored(refreshed) ?? '';
    const headers = { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' };
    await post('refresh', { cookie: successor, headers }, logging);
    accounts.clock.advance(60);
    refused(await post('refresh', { cookie }, logging), 401, 'invalid-refresh-token');
    await post('logout', { cookie: successor }, logging);
    await logging.close();

    const text = lines.join('');
    assert.match(text, /spent refresh token used again/);
    assert.equal(lines.filter((line) => line.includes('"msg":"request"')).length, 5);
    for (const secret of [cookie, successor, answer.body.accessToken, email, password]) {
      assert.ok(secret !== '' && !text.includes(secret));
    }
  });
});

describe('createRefreshCookie', () => {
  it('takes the origin of the backoffice, not its path', () => {
    const { requireSameOrigin } = createRefreshCookie('https://staff.test:8443/backoffice');
    requireSameOrigin({ headers: { origin: 'https://staff.test:8443' } });
    assert.throws(() => requireSameOrigin({ headers: { origin: 'https://staff.test' } }));
  });
});
