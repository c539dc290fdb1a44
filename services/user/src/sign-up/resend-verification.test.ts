import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { password, randomEmail, startUserService, type UserService } from '../testing.ts';

describe('resendVerification', () => {
  let service: UserService;
  before(async () => {
    service = await startUserService();
  });
  after(() => service.close());

  const resend = (email: string) => service.post('/v1/users/verify/resend', { email });

  it('sends the link of the newest sign-up again', async () => {
    const email = randomEmail();
    await service.post('/v1/users', { name: 'Ana', email, password: 'the first password' });
    service.clock.advance(1);
    await service.post('/v1/users', { name: 'Ana', email, password: 'the second password' });
    const answer = await resend(email.toUpperCase());
    assert.deepEqual([answer.status, answer.body], [202, { status: 'pending' }]);
    const mails = await service.mails(email);
    assert.equal(mails.length, 3);
    const token = mails[2]?.token;
    assert.equal((await service.post('/v1/users/verify', { token })).status, 200);
    assert.equal((await service.checkCredentials(email, 'the second password')).status, 200);
  });

  it('responds the same and sends nothing without a pending sign-up', async () => {
    const account = await service.openAccount();
    const expired = randomEmail();
    await service.post('/v1/users', { name: 'Ana', email: expired, password });
    const before = (await service.mails()).length;
    service.clock.advance(24 * 60 * 60);
    for (const email of [randomEmail(), account.email, expired]) {
      const answer = await resend(email);
      assert.deepEqual([answer.status, answer.body], [202, { status: 'pending' }]);
    }
    assert.equal((await service.mails()).length, before);
  });

  it('does not count requests without effect against the mails of the day', async () => {
    const email = randomEmail();
    for (let time = 0; time < 5; time++) await resend(email);
    await service.post('/v1/users', { name: 'Ana', email, password });
    assert.equal((await service.mails(email)).length, 1);
  });

  it('returns 400 for an invalid e-mail address', async () => {
    const answer = await resend('nobody');
    assert.equal(answer.status, 400);
    assert.equal(answer.body.errors[0].path, 'email');
  });
});
