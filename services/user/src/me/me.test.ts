import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startUserService, type UserService } from '../testing.ts';

describe('getMe and updateMe', () => {
  let service: UserService;
  before(async () => {
    service = await startUserService();
  });
  after(() => service.close());

  const getMe = (headers: Record<string, string>) =>
    service.call('GET', '/v1/users/me', { headers });
  const updateMe = (headers: Record<string, string>, body: unknown) =>
    service.call('PATCH', '/v1/users/me', { headers, body });

  it('returns only fields that the contract names', async () => {
    const { user, headers } = await service.openAccount();
    const answer = await getMe(headers);
    assert.deepEqual([answer.status, answer.body], [200, user]);
  });

  it('changes only fields in the body, also concurrently', async () => {
    const { user, headers } = await service.openAccount();
    const unchanged = await updateMe(headers, {});
    assert.deepEqual([unchanged.status, unchanged.body], [200, user]);
    await Promise.all([
      updateMe(headers, { name: '  Rita Ramos ' }),
      updateMe(headers, { locale: 'pt-PT' }),
    ]);
    const expected = { ...user, name: 'Rita Ramos', locale: 'pt-PT' };
    assert.deepEqual((await getMe(headers)).body, expected);
  });

  it('returns 400 naming a field that cannot be changed', async () => {
    const { headers } = await service.openAccount();
    for (const body of [
      { name: '' },
      { locale: 'xx yy' },
      { email: 'a@example.com' },
      { id: '1' },
    ]) {
      const answer = await updateMe(headers, body);
      assert.equal(answer.status, 400);
      assert.equal(answer.body.errors[0].path, Object.keys(body)[0]);
    }
  });

  it('requires an access token', async () => {
    assert.equal((await getMe({})).status, 401);
    assert.equal((await getMe({ authorization: 'Bearer nonsense' })).status, 401);
  });

  it('returns 401 when the account was deleted', async () => {
    const gone = await service.signedIn('0198f3a0-0000-7000-8000-000000000001');
    for (const answer of [
      await getMe(gone),
      await updateMe(gone, { name: 'Ghost' }),
      await updateMe(gone, {}),
      await service.call('GET', '/v1/users/me/export', { headers: gone }),
      await service.call('POST', '/v1/users/me/delete', { headers: gone, body: { password: 'x' } }),
    ]) {
      assert.equal(answer.status, 401);
      assert.match(answer.body.type, /unauthenticated$/);
    }
  });
});
