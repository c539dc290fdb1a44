import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Session } from '@queue-manager/contracts/tokens';
import { type Accounts, startAccounts } from './testing.ts';

describe('sessions', () => {
  let accounts: Accounts;
  before(async () => {
    accounts = await startAccounts();
  });
  after(() => accounts.close());

  const list = (headers: Record<string, string>, query = '') =>
    accounts.call('GET', `/v1/auth/sessions${query}`, { headers });

  it('are listed newest first, with the caller’s own marked', async () => {
    const { email, headers } = await accounts.signIn();
    const start = accounts.clock.now().toISOString();
    accounts.clock.advance(60);
    const other = (await accounts.login(email)).body;
    accounts.clock.advance(60);
    await accounts.refresh(other.refreshToken);
    const { status, body } = await list(headers);
    assert.equal(status, 200);
    assert.equal(body.nextCursor, null);
    const after = (seconds: number) => new Date(Date.parse(start) + seconds * 1_000).toISOString();
    const days = 30 * 24 * 60 * 60;
    assert.deepEqual(
      body.data.map(({ id, ...session }: Session) => session),
      [
        {
          createdAt: after(60),
          lastUsedAt: after(120),
          expiresAt: after(120 + days),
          current: false,
        },
        { createdAt: start, lastUsedAt: start, expiresAt: after(days), current: true },
      ],
    );
  });

  it('are paginated', async () => {
    const { email, headers } = await accounts.signIn();
    for (let count = 0; count < 4; count++) {
      accounts.clock.advance(1);
      await accounts.login(email);
    }
    const all = (await accounts.sessionsOf(headers)).map(({ id }) => id);
    assert.equal(all.length, 5);
    const paged: string[] = [];
    let query = '?limit=2';
    for (let pages = 1; ; pages++) {
      const { body } = await list(headers, query);
      paged.push(...body.data.map(({ id }: Session) => id));
      if (body.nextCursor === null) {
        assert.equal(pages, 3);
        break;
      }
      query = `?limit=2&cursor=${body.nextCursor}`;
    }
    assert.deepEqual(paged, all);
    for (const query of ['?limit=0', '?limit=101', '?cursor=x', '?cursor=WyIiXQ', '?colour=red']) {
      assert.equal((await list(headers, query)).status, 400);
    }
  });

  it('are listed only while they are valid', async () => {
    const { email, headers } = await accounts.signIn();
    await accounts.login(email);
    const body = { currentPassword: 'a long walk home', newPassword: 'a new password' };
    await accounts.users.call('POST', '/v1/users/me/password', { body, headers });
    const left = await accounts.sessionsOf(headers);
    assert.deepEqual(
      left.map(({ current }) => current),
      [true],
    );
  });

  it('can be ended by their owner only', async () => {
    const { email, headers } = await accounts.signIn();
    const other = (await accounts.login(email)).body;
    const stranger = await accounts.signIn();
    const ending = (await accounts.sessionsOf(headers)).find(({ current }) => !current);
    const url = `/v1/auth/sessions/${ending?.id}`;
    const foreign = await accounts.call('DELETE', url, { headers: stranger.headers });
    const unknown = await accounts.call('DELETE', '/v1/auth/sessions/nonsense', { headers });
    for (const { status } of [foreign, unknown]) assert.equal(status, 404);
    const ended = await accounts.call('DELETE', url, { headers });
    assert.deepEqual([ended.status, ended.body], [204, undefined]);
    assert.equal((await accounts.call('DELETE', url, { headers })).status, 404);
    assert.equal((await accounts.refresh(other.refreshToken)).status, 401);
    assert.equal((await accounts.sessionsOf(headers)).length, 1);
  });

  it('end by logout, also when repeated', async () => {
    const { email, pair, headers } = await accounts.signIn();
    const other = (await accounts.login(email)).body;
    for (let time = 0; time < 2; time++) {
      const answer = await accounts.call('POST', '/v1/auth/logout', { headers });
      assert.deepEqual([answer.status, answer.body], [204, undefined]);
    }
    assert.equal((await accounts.refresh(pair.refreshToken)).status, 401);
    assert.equal((await accounts.refresh(other.refreshToken)).status, 200);
  });

  it('require an access token or the internal credential', async () => {
    const { user } = await accounts.signIn();
    assert.equal((await list({})).status, 401);
    assert.equal((await accounts.call('POST', '/v1/auth/logout')).status, 401);
    assert.equal((await accounts.call('DELETE', '/v1/auth/sessions/x')).status, 401);
    const internal = `/internal/users/${user.id}/sessions`;
    assert.equal((await accounts.call('GET', internal)).status, 401);
    const { body } = await accounts.call('GET', internal, { headers: accounts.internal });
    assert.equal(body.sessions.length, 1);
    assert.equal(body.sessions[0].secret, undefined);
  });
});
