import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import {
  endSession,
  listSessions,
  login,
  logout,
  refresh,
  type TokenPair,
} from '@queue-manager/contracts/tokens';
import {
  changePassword,
  deleteMe,
  exportMe,
  forgotPassword,
  getMe,
  resendVerification,
  resetPassword,
  signUp,
  updateMe,
  verifyUser,
} from '@queue-manager/contracts/users';
import { createVenue, deleteVenue } from '@queue-manager/contracts/venues';
import { mailsTo, tokenIn } from '@queue-manager/local-stack/inbox';
import { until } from '@queue-manager/service-kit/testing';
import {
  mailedToken,
  openAccount,
  randomEmail,
  randomPassword,
  type TestAccount,
} from './support/accounts.ts';
import {
  awaitMails,
  call,
  mailUrl,
  problemOf,
  refuse,
  refuseField,
  send,
  succeed,
} from './support/system.ts';

describe('signing up', () => {
  it('creates an account that can sign in after following the link in the mail', async () => {
    const email = randomEmail();
    const password = randomPassword();
    const asked = await succeed(signUp, { body: { name: 'Ana Sousa', email, password } });
    assert.deepEqual(asked, { status: 'pending' });
    await refuse('invalid-credentials', login, { body: { email, password } });

    const [mail] = await awaitMails(email);
    assert.match(mail?.text ?? '', /https?:\/\/\S+\?token=[\w.~-]+\s*$/m);
    assert.match(String(mail?.html), /href="https?:\/\/[^"]+\?token=[\w.~-]+"/);
    const token = await mailedToken(email);
    await refuse('invalid-token', verifyUser, { body: { token: `${token}x` } });
    const user = await succeed(verifyUser, { body: { token } });
    assert.equal(user.name, 'Ana Sousa');
    assert.equal(user.email, email);
    assert.equal(user.locale, 'en');

    const pair = await succeed(login, { body: { email: email.toUpperCase(), password } });
    assert.equal(pair.tokenType, 'Bearer');
    assert.ok(pair.refreshToken);
    assert.equal(pair.expiresIn, 900);
    assert.deepEqual(await succeed(getMe, { token: pair.accessToken }), user);
    // No kind of token is accepted as another.
    await refuse('unauthenticated', getMe, { token });
    await refuse('unauthenticated', getMe, { token: pair.refreshToken });
    await refuse('invalid-token', verifyUser, { body: { token: pair.accessToken } });
    await refuse('invalid-token', resetPassword, { body: { token, password: randomPassword() } });
  });

  it('answers the same for a known e-mail, and leaves its account unchanged', async () => {
    const account = await openAccount();
    const credentials = { email: account.email, password: randomPassword() };
    const asked = await succeed(signUp, { body: { name: 'Somebody Else', ...credentials } });
    assert.deepEqual(asked, { status: 'pending' });
    const [, second] = await awaitMails(account.email, 2);
    assert.equal(second && tokenIn(second), undefined);
    await refuse('invalid-credentials', login, { body: credentials });
    assert.equal((await succeed(getMe, { token: account.token })).name, account.name);
  });

  it('creates one account from concurrent sign-ups and verifications, in any letter case', async () => {
    const email = randomEmail();
    const written = [email, email.toUpperCase(), email.replace('guest', 'GuesT')];
    const attempts = Array.from({ length: 9 }, (_, index) => ({
      name: `Racer ${index}`,
      email: written[index % written.length] ?? email,
      password: randomPassword(),
    }));
    const answers = await Promise.all(attempts.map((body) => call(signUp, { body })));
    // The rate limit may refuse some; none may fail.
    assert.ok(answers.every(({ status }) => status === 202 || status === 429));
    assert.ok(answers.some(({ ok }) => ok));

    const tokens = await verificationTokens(written);
    assert.ok(tokens.length >= 1 && tokens.length <= 3, `${tokens.length} mails in a day`);
    const racing = tokens.flatMap((token) => [token, token, token]);
    const verified = await Promise.all(
      racing.map((token) => call(verifyUser, { body: { token } })),
    );
    const ids = new Set(verified.flatMap((answer) => (answer.ok ? [answer.body.id] : [])));
    assert.equal(ids.size, 1);
    for (const answer of verified) {
      if (!answer.ok) assert.match(answer.problem?.type ?? '', /invalid-token$/);
    }
  });

  it('resends the verification mail', async () => {
    const email = randomEmail();
    await succeed(signUp, { body: { name: 'Ana', email, password: randomPassword() } });
    await awaitMails(email);
    const answer = await succeed(resendVerification, { body: { email } });
    assert.deepEqual(answer, await succeed(resendVerification, { body: { email: randomEmail() } }));
    await succeed(verifyUser, { body: { token: await mailedToken(email, 2) } });
  });

  it('sends mails in the language of the user', async () => {
    const email = randomEmail();
    const body = { name: 'João', email, password: randomPassword(), locale: 'pt-PT' };
    await succeed(signUp, { body });
    const [portuguese] = await awaitMails(email);
    const other = randomEmail();
    await succeed(signUp, { body: { ...body, email: other, locale: 'en' } });
    const [english] = await awaitMails(other);
    assert.match(portuguese?.text ?? '', /Olá|conta|Confirm[ae]/);
    assert.notEqual(portuguese?.subject, english?.subject);
    assert.ok(portuguese?.text.includes('João'));
  });

  const good = () => ({ name: 'Ana', email: randomEmail(), password: randomPassword() });
  const refusals: [string, string, Record<string, unknown>][] = [
    ['a short password', 'password', { password: 'short' }],
    ['a common password', 'password', { password: 'password123' }],
    ['what is not an e-mail address', 'email', { email: 'nobody' }],
    ['a name with a line break', 'name', { name: 'Ana\r\nBcc: all@example.com' }],
    ['an unknown language', 'locale', { locale: 'no such language' }],
    ['an unknown field', 'admin', { admin: true }],
  ];
  for (const [what, path, change] of refusals) {
    it(`names the field when it refuses ${what}`, async () => {
      await refuseField(path, signUp, { body: { ...good(), ...change } });
    });
  }

  it('refuses the e-mail address as password, in any letter case', async () => {
    const body = good();
    await refuseField('password', signUp, {
      body: { ...body, password: body.email.toUpperCase() },
    });
  });
});

/**
 * Tokens of the mails to an address in any letter case. A later mail to another address marks that all earlier ones
 * have arrived.
 */
async function verificationTokens(written: readonly string[]): Promise<string[]> {
  const mails = async () =>
    (await Promise.all(written.map((address) => mailsTo(mailUrl, address)))).flat();
  await until('a verification mail came', async () => (await mails()).length > 0, 60_000);
  const marker = randomEmail();
  await succeed(signUp, { body: { name: 'Marker', email: marker, password: randomPassword() } });
  await awaitMails(marker);
  return (await mails()).flatMap((mail) => tokenIn(mail) ?? []);
}

describe('signing in', () => {
  it('answers the same for an unknown e-mail and a wrong password', async () => {
    const { email } = await openAccount();
    const password = randomPassword();
    const wrong = await send('POST', '/v1/auth/login', { body: { email, password } });
    const unknown = await send('POST', '/v1/auth/login', {
      body: { email: randomEmail(), password },
    });
    assert.equal(wrong.status, 401);
    assert.equal(unknown.status, 401);
    const withoutId = (text: string) => ({ ...JSON.parse(text), requestId: '' });
    assert.deepEqual(withoutId(wrong.text), withoutId(unknown.text));
  });

  it('limits password guesses at one account, with Retry-After', async () => {
    const { email } = await openAccount();
    for (let guess = 1; ; guess++) {
      assert.ok(guess <= 200, 'two hundred guesses were let through');
      const answer = await send('POST', '/v1/auth/login', {
        body: { email, password: randomPassword() },
      });
      if (answer.status === 401) continue;
      assert.equal(answer.status, 429);
      assert.ok(Number(answer.headers.get('retry-after')) >= 1);
      break;
    }
    // Other accounts are not limited.
    await openAccount();
  });
});

describe('a session', () => {
  it('rotates its refresh token, and returns the same successor for a repeated refresh', async () => {
    const { refreshToken } = await openAccount();
    const first = await succeed(refresh, { body: { refreshToken } });
    assert.notEqual(first.refreshToken, refreshToken);
    const repeated = await succeed(refresh, { body: { refreshToken } });
    assert.equal(repeated.refreshToken, first.refreshToken);
    const second = await succeed(refresh, { body: { refreshToken: first.refreshToken } });
    await succeed(getMe, { token: second.accessToken });
  });

  it('survives concurrent refreshes with the same token', async () => {
    const { refreshToken } = await openAccount();
    const pairs = await Promise.all(
      Array.from({ length: 8 }, () => succeed(refresh, { body: { refreshToken } })),
    );
    assert.equal(new Set(pairs.map((pair: TokenPair) => pair.refreshToken)).size, 1);
  });

  it('can keep its refresh token in a cookie, which two tabs share', async () => {
    const { email, password } = await openAccount();
    const post = async (path: string, cookie?: string, body?: unknown, headers = {}) => {
      const answer = await send('POST', `/v1/auth/${path}`, {
        ...(body === undefined ? {} : { body }),
        headers: { ...(cookie === undefined ? {} : { cookie }), ...headers },
      });
      const [set] = answer.headers.getSetCookie();
      return { ...answer, cookie: set?.split(';', 1)[0] };
    };
    const { cookie, text, headers } = await post('login', undefined, {
      email,
      password,
      session: 'cookie',
    });
    assert.match(
      String(headers.get('set-cookie')),
      /; Path=\/v1\/auth; HttpOnly; SameSite=Strict$/,
    );
    assert.ok(!text.includes('refreshToken'));
    const [tab, other] = await Promise.all([post('refresh', cookie), post('refresh', cookie, {})]);
    const successor = tab.cookie;
    assert.ok(successor && successor !== cookie);
    assert.deepEqual([tab.status, other.status, other.cookie], [200, 200, successor]);
    const { accessToken } = other.json() as TokenPair;
    await succeed(getMe, { token: accessToken });

    const foreign = { origin: 'http://localhost:3000', 'sec-fetch-site': 'same-site' };
    const answer = await post('refresh', successor, undefined, foreign);
    assert.equal(problemOf(answer).code, 'forbidden');
    assert.equal(answer.headers.get('access-control-allow-origin'), foreign.origin);
    assert.equal(answer.headers.get('access-control-allow-credentials'), null);

    assert.equal((await post('logout', successor)).status, 204);
    assert.equal(problemOf(await post('refresh', successor)).code, 'invalid-refresh-token');
  });

  it('ends when its owner signs out', async () => {
    const account = await openAccount();
    const { email, password } = account;
    const other = await succeed(login, { body: { email, password } });
    await succeed(logout, { token: account.token });
    await refuse('invalid-refresh-token', refresh, {
      body: { refreshToken: account.refreshToken },
    });
    await succeed(refresh, { body: { refreshToken: other.refreshToken } });
    await refuse('invalid-refresh-token', refresh, { body: { refreshToken: 'made-up' } });
  });

  it('is listed page by page, and can be ended from another session', async () => {
    const account = await openAccount();
    const { token, email, password } = account;
    const other = await succeed(login, { body: { email, password } });
    const { data } = await succeed(listSessions, { token });
    assert.equal(data.length, 2);
    assert.equal(data.filter(({ current }) => current).length, 1);

    const first = await succeed(listSessions, { token, query: { limit: 1 } });
    assert.ok(first.nextCursor);
    const second = await succeed(listSessions, {
      token,
      query: { limit: 1, cursor: first.nextCursor },
    });
    const paged = [...first.data, ...second.data].map(({ id }) => id);
    assert.deepEqual(paged.sort(), data.map(({ id }) => id).sort());

    const stranger = await openAccount();
    const ending = data.find(({ current }) => !current);
    assert.ok(ending);
    const params = { sessionId: ending.id };
    await refuse('not-found', endSession, { token: stranger.token, params });
    await succeed(endSession, { token, params });
    await refuse('invalid-refresh-token', refresh, { body: { refreshToken: other.refreshToken } });
    assert.equal((await succeed(listSessions, { token })).data.length, 1);
  });
});

describe('a password', () => {
  it('can be changed with the current one, which ends all other sessions', async () => {
    const account = await openAccount();
    const { token, email, password } = account;
    const other = await succeed(login, { body: { email, password } });
    const newPassword = randomPassword();
    await refuse('invalid-credentials', changePassword, {
      token,
      body: { currentPassword: randomPassword(), newPassword },
    });
    await refuseField('newPassword', changePassword, {
      token,
      body: { currentPassword: password, newPassword: email },
    });
    await succeed(changePassword, { token, body: { currentPassword: password, newPassword } });
    await refuse('invalid-refresh-token', refresh, { body: { refreshToken: other.refreshToken } });
    await succeed(refresh, { body: { refreshToken: account.refreshToken } });
    await refuse('invalid-credentials', login, { body: { email, password } });
    await succeed(login, { body: { email, password: newPassword } });
  });

  it('can be reset once by mail, which ends all sessions', async () => {
    const account = await openAccount();
    const { email } = account;
    const known = await succeed(forgotPassword, { body: { email } });
    const unknown = await succeed(forgotPassword, { body: { email: randomEmail() } });
    assert.deepEqual(known, unknown);

    const token = await mailedToken(email, 2);
    const password = randomPassword();
    await refuse('invalid-token', verifyUser, { body: { token } });
    await refuseField('password', resetPassword, { body: { token, password: 'short' } });
    await succeed(resetPassword, { body: { token, password } });
    await refuse('invalid-token', resetPassword, { body: { token, password: randomPassword() } });
    await refuse('invalid-refresh-token', refresh, {
      body: { refreshToken: account.refreshToken },
    });
    await refuse('invalid-credentials', login, { body: { email, password: account.password } });
    await succeed(login, { body: { email, password } });
  });
});

describe('an account', () => {
  let account: TestAccount;
  before(async () => {
    account = await openAccount({ name: 'Rita Ramos' });
  });

  it('can be changed by its owner, apart from read-only fields', async () => {
    const { token } = account;
    const changed = await succeed(updateMe, { token, body: { name: 'Rita R.', locale: 'pt' } });
    assert.equal(changed.name, 'Rita R.');
    assert.equal(changed.locale, 'pt');
    assert.deepEqual(await succeed(getMe, { token }), changed);
    const email = await send('PATCH', '/v1/users/me', { token, body: { email: randomEmail() } });
    assert.equal(email.status, 400);
    await refuseField('name', updateMe, { token, body: { name: '' } });
    await refuse('unauthenticated', getMe, {});
  });

  it('can be exported', async () => {
    const { token, id, email } = account;
    const venue = await succeed(createVenue, {
      token,
      body: { name: 'Export Bar', timezone: 'Europe/Lisbon' },
    });
    const { memberships, sessions, account: held } = await succeed(exportMe, { token });
    assert.equal(held.id, id);
    assert.equal(held.email, email);
    assert.equal(sessions.length, 1);
    assert.deepEqual(
      memberships.map(({ venueId, venueName, role }) => ({ venueId, venueName, role })),
      [{ venueId: venue.id, venueName: 'Export Bar', role: 'owner' }],
    );
    await succeed(deleteVenue, { token, params: { venueId: venue.id } });
  });

  it('can be deleted with its password, unless it is the only owner of a venue', async () => {
    const { token, email, password, refreshToken } = await openAccount();
    const venue = await succeed(createVenue, {
      token,
      body: { name: 'Last Bar', timezone: 'Europe/Lisbon' },
    });
    await refuse('invalid-credentials', deleteMe, { token, body: { password: 'wrong' } });
    await refuse('last-owner', deleteMe, { token, body: { password } });
    await succeed(deleteVenue, { token, params: { venueId: venue.id } });
    await succeed(deleteMe, { token, body: { password } });
    await refuse('invalid-credentials', login, { body: { email, password } });
    await refuse('invalid-refresh-token', refresh, { body: { refreshToken } });

    // The address can be used again, for an account without the old one's data.
    await succeed(signUp, { body: { name: 'New', email, password } });
    const fresh = await succeed(verifyUser, { body: { token: await mailedToken(email, 2) } });
    assert.equal(fresh.name, 'New');
  });
});
