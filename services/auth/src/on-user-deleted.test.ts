import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { makeEvent } from '@queue-manager/contracts/events';
import { newId } from '@queue-manager/service-kit/ids';
import { until } from '@queue-manager/service-kit/testing';
import { password } from '@queue-manager/user/testing';
import { openSession, readSessions } from './sessions.ts';
import { type Accounts, startAccounts } from './testing.ts';

describe('user.deleted', () => {
  let accounts: Accounts;
  before(async () => {
    accounts = await startAccounts();
  });
  after(() => accounts.close());

  const countSessions = async (userId: string) => {
    let count = 0;
    for await (const _ of readSessions(accounts.deps, userId)) count += 1;
    return count;
  };

  it('ends every session at once', async () => {
    const { user, email, pair, headers } = await accounts.signIn();
    await accounts.login(email);
    const bystander = await accounts.signIn();
    const deleted = await accounts.users.call('POST', '/v1/users/me/delete', {
      body: { password },
      headers,
    });
    assert.equal(deleted.status, 204);
    assert.equal((await accounts.refresh(pair.refreshToken)).status, 401);
    assert.equal((await accounts.login(email)).status, 401);
    const listed = await accounts.call('GET', '/v1/auth/sessions', { headers });
    assert.equal(listed.status, 401);
    assert.match(listed.body.type, /unauthenticated$/);
    await until('its sessions are deleted', async () => (await countSessions(user.id)) === 0);
    assert.equal((await accounts.refresh(bystander.pair.refreshToken)).status, 200);
  });

  it('ends any number of sessions, also when repeated or late', async () => {
    const userId = newId(accounts.clock);
    const event = JSON.stringify(
      makeEvent({
        id: newId(accounts.clock),
        source: '/user',
        type: 'user.deleted',
        subject: userId,
        time: accounts.clock.now().toISOString(),
        data: { userId },
      }),
    );
    for (let count = 0; count < 60; count++) {
      await openSession(accounts.deps, { userId, passwordVersion: 1 });
    }
    for (let delivery = 0; delivery < 2; delivery++) {
      await accounts.stores.queues.send('auth-events', event);
    }
    await until(
      'both are handled',
      async () => (await accounts.stores.queues.count('auth-events')) === 0,
    );
    assert.equal(await countSessions(userId), 0);
    await openSession(accounts.deps, { userId, passwordVersion: 1 });
    await accounts.stores.queues.send('auth-events', event);
    await until('the late one is handled', async () => (await countSessions(userId)) === 0);
    assert.deepEqual(await accounts.stores.queues.deadLetters('auth-events'), []);
  });
});
