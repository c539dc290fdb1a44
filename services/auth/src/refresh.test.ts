import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { tokenLives } from '@queue-manager/contracts/tokens';
import { newId } from '@queue-manager/service-kit/ids';
import { shortDeadline } from '@queue-manager/service-kit/testing';
import { password } from '@queue-manager/user/testing';
import { createAuthApp } from './app.ts';
import { deleteSession, findSession, openSession, spendToken } from './sessions.ts';
import { type Accounts, newSecret, startAccounts } from './testing.ts';

describe('refresh', () => {
  let accounts: Accounts;
  before(async () => {
    accounts = await startAccounts();
  });
  after(() => accounts.close());

  const refused = (answer: { status: number; body: { type: string } }) => {
    assert.equal(answer.status, 401);
    assert.match(answer.body.type, /invalid-refresh-token$/);
  };
  /** Refreshes successfully and returns the new refresh token. */
  const next = async (refreshToken: string): Promise<string> => {
    const answer = await accounts.refresh(refreshToken);
    assert.equal(answer.status, 200);
    return answer.body.refreshToken;
  };

  it('returns new tokens each time', async () => {
    const { user, pair } = await accounts.signIn();
    const seen = new Set([pair.refreshToken]);
    let { refreshToken } = pair;
    for (let round = 0; round < 5; round++) {
      accounts.clock.advance(60);
      refreshToken = await next(refreshToken);
      seen.add(refreshToken);
    }
    assert.equal(seen.size, 6);
    const { body } = await accounts.refresh(refreshToken);
    const me = await accounts.users.call('GET', '/v1/users/me', { headers: accounts.bearer(body) });
    assert.equal(me.body.id, user.id);
  });

  it('returns the same successor again within twenty seconds', async () => {
    const { pair } = await accounts.signIn();
    const first = await next(pair.refreshToken);
    accounts.clock.advance(20);
    assert.equal(await next(pair.refreshToken), first);
    const second = await next(first);
    // Also when the successor was spent meanwhile: that response may have been lost, too.
    assert.equal(await next(first), second);
    await next(second);
  });

  it('returns the same successors after two lost responses within the grace period', async () => {
    const { pair } = await accounts.signIn();
    const first = await next(pair.refreshToken);
    accounts.clock.advance(5);
    const second = await next(first);
    accounts.clock.advance(5);
    assert.equal(await next(pair.refreshToken), first);
    assert.equal(await next(first), second);
  });

  it('ends the whole family when a spent token is used again later', async () => {
    const { user, email, pair } = await accounts.signIn();
    const other = (await accounts.login(email)).body;
    const first = await next(pair.refreshToken);
    const second = await next(first);
    accounts.clock.advance(20.001);
    refused(await accounts.refresh(pair.refreshToken));
    refused(await accounts.refresh(second));
    refused(await accounts.refresh(first));
    // Another sign-in of the account is another family.
    await next(other.refreshToken);
    const { body } = await accounts.call('GET', `/internal/users/${user.id}/sessions`, {
      headers: accounts.internal,
    });
    assert.equal(body.sessions.length, 1);
  });

  it('does not take a spent token for new when the clock is set back', async () => {
    const { pair } = await accounts.signIn();
    const first = await next(pair.refreshToken);
    accounts.clock.advance(3_600);
    const second = await next(first);
    accounts.clock.advance(-3_590);
    refused(await accounts.refresh(pair.refreshToken));
    accounts.clock.advance(3_590);
    refused(await accounts.refresh(second));
  });

  it('returns the same successor to concurrent requests', async () => {
    const { pair } = await accounts.signIn();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => accounts.refresh(pair.refreshToken)),
    );
    const successors = new Set(answers.map(({ body }) => body.refreshToken));
    assert.equal(successors.size, 1);
    assert.ok(!successors.has(undefined));
    const [successor] = successors;
    await next(successor);
  });

  it('lets one request spend a token, also when another has read the session earlier', async () => {
    const { deps } = accounts;
    const opened = await openSession(deps, { userId: newId(accounts.clock), passwordVersion: 1 });
    const first = await spendToken(deps, opened);
    assert.equal(first?.counter, 1);
    const second = first && (await spendToken(deps, first));
    assert.equal(second?.counter, 2);
    assert.equal(await spendToken(deps, opened), undefined);
    assert.deepEqual((await findSession(deps, opened))?.counter, 2);
    // Nor does it restore a session that has ended.
    await deleteSession(deps, opened);
    assert.equal(second && (await spendToken(deps, second)), undefined);
    assert.equal(await findSession(deps, opened), undefined);
  });

  it('returns 401 for a forged token', async () => {
    const { pair } = await accounts.signIn();
    const { refreshToken } = pair;
    const bytes = Buffer.from(refreshToken, 'base64url');
    bytes.writeUInt32BE(7, 32);
    for (const wrong of [
      'x',
      pair.accessToken,
      bytes.toString('base64url'),
      `${refreshToken.slice(0, -4)}AAAA`,
      `${refreshToken}A`,
      `${refreshToken}=`,
    ]) {
      refused(await accounts.refresh(wrong));
    }
    // Nor does a forged token end the session that it names.
    await next(refreshToken);
  });

  it('extends the session to thirty days after its last use', async () => {
    const { email, pair } = await accounts.signIn();
    const unused = (await accounts.login(email)).body;
    accounts.clock.advance(tokenLives.refreshSeconds - 1);
    const token = await next(pair.refreshToken);
    accounts.clock.advance(1);
    refused(await accounts.refresh(unused.refreshToken));
    accounts.clock.advance(tokenLives.refreshSeconds - 2);
    const last = await next(token);
    accounts.clock.advance(tokenLives.refreshSeconds);
    refused(await accounts.refresh(last));
  });

  it('ends every session when the password is reset', async () => {
    const { email, pair } = await accounts.signIn();
    await accounts.users.post('/v1/users/password/forgot', { email });
    const token = await accounts.users.mailedToken(email);
    const body = { token, password: 'a new password' };
    // In the same millisecond as everything before and after.
    assert.equal((await accounts.users.post('/v1/users/password/reset', body)).status, 204);
    refused(await accounts.refresh(pair.refreshToken));
    const again = await accounts.login(email, 'a new password');
    await next(again.body.refreshToken);
  });

  it('ends every other session when the password is changed', async () => {
    const { email, pair, headers } = await accounts.signIn();
    const other = (await accounts.login(email)).body;
    const change = (
      headers: Record<string, string>,
      currentPassword: string,
      newPassword: string,
    ) =>
      accounts.users.call('POST', '/v1/users/me/password', {
        body: { currentPassword, newPassword },
        headers,
      });
    assert.equal((await change(headers, password, 'the second one')).status, 204);
    refused(await accounts.refresh(other.refreshToken));
    const kept = await next(pair.refreshToken);

    // The next change, from another session, ends the kept one.
    const newcomer = (await accounts.login(email, 'the second one')).body;
    const { status } = await change(accounts.bearer(newcomer), 'the second one', 'the third one');
    assert.equal(status, 204);
    refused(await accounts.refresh(kept));
    await next(newcomer.refreshToken);
  });

  it('ends a session whose sign-in overlapped a change of the password', async () => {
    const { email, headers } = await accounts.signIn();
    const { userService } = accounts.deps;
    accounts.deps.userService = {
      ...userService,
      call: async (contract, options) => {
        const answer = await userService.call(contract, options);
        await accounts.users.call('POST', '/v1/users/me/password', {
          body: { currentPassword: password, newPassword: 'changed meanwhile' },
          headers,
        });
        return answer;
      },
    };
    const late = await accounts.login(email);
    accounts.deps.userService = userService;
    assert.equal(late.status, 200);
    refused(await accounts.refresh(late.body.refreshToken));
  });

  it('spends no token while the user service is unavailable', async () => {
    const { pair } = await accounts.signIn();
    const lonely = createAuthApp(accounts.makeDeps({ USER_SERVICE_URL: 'http://127.0.0.1:1' }));
    const { refreshToken } = pair;
    const call = { body: { refreshToken }, headers: shortDeadline };
    const answer = await accounts.call('POST', '/v1/auth/refresh', call, lonely);
    assert.equal(answer.status, 503);
    await lonely.close();
    accounts.clock.advance(60);
    await next(refreshToken);
  });

  it('accepts tokens signed with a retired secret', async () => {
    const { pair } = await accounts.signIn();
    const SESSION_SECRET = `${newSecret()},${accounts.sessionSecret}`;
    const rotated = createAuthApp(accounts.makeDeps({ SESSION_SECRET }));
    const answer = await accounts.refresh(pair.refreshToken, rotated);
    assert.equal(answer.status, 200);
    assert.equal((await accounts.refresh(answer.body.refreshToken, rotated)).status, 200);
    const foreign = createAuthApp(accounts.makeDeps({ SESSION_SECRET: newSecret() }));
    refused(await accounts.refresh(answer.body.refreshToken, foreign));
    await Promise.all([rotated.close(), foreign.close()]);
  });

  it('stores no token', async () => {
    const { pair } = await accounts.signIn();
    const { Items } = await accounts.deps.db.send(
      new ScanCommand({ TableName: accounts.deps.tables.sessions.name }),
    );
    const stored = JSON.stringify(Items);
    assert.ok(!stored.includes(pair.refreshToken.slice(-43)));
    assert.ok(!stored.includes(pair.accessToken));
  });
});
