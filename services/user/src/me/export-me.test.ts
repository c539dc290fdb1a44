import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Accounts, startAccounts } from '@queue-manager/auth/testing';
import { newId } from '@queue-manager/service-kit/ids';
import { createInternalClient } from '@queue-manager/service-kit/internal-client';
import { shortDeadline, testCredential } from '@queue-manager/service-kit/testing';

describe('exportMe', () => {
  let accounts: Accounts;
  before(async () => {
    accounts = await startAccounts();
  });
  after(() => accounts.close());

  const exportMe = (headers: Record<string, string>) =>
    accounts.users.call('GET', '/v1/users/me/export', { headers });

  it('returns all data about the account, without secrets', async () => {
    const { users, clock } = accounts;
    const membership = {
      venueId: newId(clock),
      venueName: 'Export Bar',
      role: 'owner',
      since: clock.now().toISOString(),
    } as const;
    users.queueService.memberships.push({ ...membership, soleOwner: true });
    const { email } = await users.openAccount({ name: 'Ana' });
    const signedIn = await accounts.login(email);
    const answer = await exportMe(accounts.bearer(signedIn.body));
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['cache-control'], 'no-store');
    const me = await users.call('GET', '/v1/users/me', { headers: accounts.bearer(signedIn.body) });
    const [session] = await accounts.sessionsOf(accounts.bearer(signedIn.body));
    const now = clock.now().toISOString();
    assert.deepEqual(answer.body, {
      exportedAt: now,
      account: me.body,
      signUps: [],
      sessions: [{ id: session?.id, createdAt: now, lastUsedAt: now }],
      memberships: [membership],
    });
  });

  it('includes pending sign-ups of the address', async () => {
    const { users } = accounts;
    const email = 'twice@example.com';
    await users.post('/v1/users', { name: 'First', email, password: 'the first password' });
    const { headers } = await users.openAccount({ email, name: 'Second' });
    assert.equal((await exportMe(headers)).status, 401);
    const { body } = await accounts.login(email);
    const exported = (await exportMe(accounts.bearer(body))).body;
    const createdAt = accounts.clock.now().toISOString();
    assert.deepEqual(exported.signUps, [
      {
        id: exported.signUps[0].id,
        name: 'First',
        email,
        locale: 'en',
        createdAt,
        expiresAt: new Date(Date.parse(createdAt) + 24 * 60 * 60 * 1_000).toISOString(),
      },
    ]);
  });

  it('returns 503 while another service is unavailable', async () => {
    const { users } = accounts;
    const { headers } = await accounts.signIn();
    for (const service of ['authService', 'queueService'] as const) {
      const working = users.deps[service];
      const unreachable = createInternalClient({
        baseUrl: 'http://127.0.0.1:1',
        credential: testCredential,
      });
      users.deps[service] = unreachable;
      const answer = await exportMe({ ...headers, ...shortDeadline });
      users.deps[service] = working;
      await unreachable.close();
      assert.equal(answer.status, 503);
      assert.equal(answer.body.account, undefined);
    }
    assert.equal((await exportMe(headers)).status, 200);
  });
});
