import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { newId } from '@queue-manager/service-kit/ids';
import { password, startUserService, type UserService } from '../testing.ts';

describe('changePassword', () => {
  let service: UserService;
  before(async () => {
    service = await startUserService();
  });
  after(() => service.close());

  const change = (
    headers: Record<string, string>,
    currentPassword: string,
    newPassword: string,
    key?: string,
  ) =>
    service.call('POST', '/v1/users/me/password', {
      body: { currentPassword, newPassword },
      headers,
      ...(key === undefined ? {} : { key }),
    });

  it('requires the current password, and keeps the caller’s session', async () => {
    const { user, email } = await service.openAccount();
    const sessionId = newId(service.clock);
    const headers = await service.signedIn(user.id, sessionId);
    const before = (await service.getAccount(user.id)).body;
    assert.equal((await change(headers, password, 'a new password')).status, 204);
    assert.equal((await service.checkCredentials(email, password)).status, 401);
    assert.equal((await service.checkCredentials(email, 'a new password')).status, 200);
    const after = (await service.getAccount(user.id)).body;
    assert.equal(after.passwordVersion, before.passwordVersion + 1);
    assert.equal(after.keptSessionId, sessionId);
  });

  it('refuses a wrong current password and a guessable new one', async () => {
    const { email, headers } = await service.openAccount();
    const wrong = await change(headers, 'not the password', 'a new password');
    assert.equal(wrong.status, 401);
    assert.match(wrong.body.type, /invalid-credentials$/);
    for (const guessable of ['short', email, 'Password1']) {
      const answer = await change(headers, password, guessable);
      assert.equal(answer.status, 400);
      assert.equal(answer.body.errors[0].path, 'newPassword');
    }
    assert.equal((await service.checkCredentials(email, password)).status, 200);
  });

  it('lets one of several concurrent changes win', async () => {
    const { email, headers } = await service.openAccount();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, at) => change(headers, password, `password number ${at}`)),
    );
    assert.equal(answers.filter(({ status }) => status === 204).length, 1);
    const winner = answers.findIndex(({ status }) => status === 204);
    const checked = await service.checkCredentials(email, `password number ${winner}`);
    assert.equal(checked.status, 200);
  });

  it('replays the response for an Idempotency-Key, per account', async () => {
    const { headers } = await service.openAccount();
    const other = await service.openAccount();
    const key = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => change(headers, password, 'a new password', key)),
    );
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([204]));
    assert.equal((await change(headers, password, 'another password', key)).status, 422);
    assert.equal(
      (await change(other.headers, 'not the password', 'a new password', key)).status,
      401,
    );
  });

  it('requires an access token', async () => {
    assert.equal((await change({}, password, 'a new password')).status, 401);
  });
});
