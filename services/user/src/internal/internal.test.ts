import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { password, randomEmail, startUserService, type UserService } from '../testing.ts';

describe('checkCredentials and getAccount', () => {
  let service: UserService;
  before(async () => {
    service = await startUserService();
  });
  after(() => service.close());

  it('accepts the e-mail in any case', async () => {
    const { user, email } = await service.openAccount();
    const answer = await service.checkCredentials(email.toUpperCase(), password);
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body, { userId: user.id, passwordVersion: 1 });
  });

  it('accepts a password in another Unicode normalisation form', async () => {
    const email = randomEmail();
    await service.post('/v1/users', { name: 'Zoë', email, password: 'caf\u00e9 con leche' });
    await service.post('/v1/users/verify', { token: await service.mailedToken(email) });
    const answer = await service.checkCredentials(email, 'cafe\u0301 con leche');
    assert.equal(answer.status, 200);
  });

  it('responds the same, after the same work, to a wrong password and an unknown e-mail', async () => {
    const { email } = await service.openAccount();
    let comparisons = 0;
    const { matches } = service.deps.passwords;
    service.deps.passwords.matches = (...args) => {
      comparisons += 1;
      return matches(...args);
    };
    const answers = [
      await service.checkCredentials(email, 'not the password'),
      await service.checkCredentials(randomEmail(), 'not the password'),
    ];
    service.deps.passwords.matches = matches;
    for (const { status, body } of answers) {
      assert.equal(status, 401);
      assert.deepEqual({ ...body, requestId: '' }, { ...answers[0]?.body, requestId: '' });
    }
    assert.equal(comparisons, 2);
  });

  it('returns an account with its password version and kept session', async () => {
    const { user, email } = await service.openAccount();
    const answer = await service.getAccount(user.id);
    assert.deepEqual(answer.body, {
      id: user.id,
      name: user.name,
      email,
      locale: 'en',
      passwordVersion: 1,
      keptSessionId: null,
    });
    assert.equal((await service.getAccount('0198f3a0-0000-7000-8000-000000000001')).status, 404);
  });

  it('requires the internal credential', async () => {
    const { user, email } = await service.openAccount();
    const answers = [
      await service.call('GET', `/internal/users/${user.id}`),
      await service.post('/internal/credentials/check', { email, password }),
    ];
    for (const { status } of answers) assert.equal(status, 401);
  });
});
