import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import {
  accountUrl,
  password,
  randomEmail,
  startUserService,
  type UserService,
} from '../testing.ts';

describe('forgotPassword and resetPassword', () => {
  let service: UserService;
  before(async () => {
    service = await startUserService();
  });
  after(() => service.close());

  const forgot = (email: string) => service.post('/v1/users/password/forgot', { email });
  const reset = (token: string, password: string, key?: string) =>
    service.post('/v1/users/password/reset', { token, password }, key);
  const refused = (answer: { status: number; body: { type: string } }) => {
    assert.equal(answer.status, 400);
    assert.match(answer.body.type, /invalid-token$/);
  };

  it('replaces the password with a mailed token, which ends every session', async () => {
    const { user, email } = await service.openAccount({ locale: 'pt' });
    const answer = await forgot(email.toUpperCase());
    assert.deepEqual([answer.status, answer.body], [202, { status: 'pending' }]);
    const mail = (await service.mails(email)).at(-1);
    assert.equal(mail?.content.template, 'reset-password');
    assert.equal(mail?.locale, 'pt');
    assert.ok(mail?.content.link.startsWith(`${accountUrl}/reset?token=`));

    const before = (await service.getAccount(user.id)).body;
    const done = await reset(mail?.token ?? '', 'a new password');
    assert.deepEqual([done.status, done.body], [204, undefined]);
    const after = (await service.getAccount(user.id)).body;
    assert.equal(after.passwordVersion, before.passwordVersion + 1);
    assert.equal(after.keptSessionId, null);
    assert.equal((await service.checkCredentials(email, password)).status, 401);
    assert.equal((await service.checkCredentials(email, 'a new password')).status, 200);
  });

  it('responds the same without an account, and sends no mail', async () => {
    const before = (await service.mails()).length;
    const pending = randomEmail();
    await service.post('/v1/users', { name: 'Ana', email: pending, password });
    for (const email of [randomEmail(), pending]) {
      const answer = await forgot(email);
      assert.deepEqual([answer.status, answer.body], [202, { status: 'pending' }]);
    }
    assert.equal((await service.mails()).length, before + 1);
  });

  it('responds no sooner with an account than without one', async () => {
    const { email } = await service.openAccount();
    for (const address of [email, randomEmail()]) {
      const begun = performance.now();
      await forgot(address);
      assert.ok(performance.now() - begun >= 249);
    }
  });

  it('accepts a token once, also concurrently', async () => {
    const { email } = await service.openAccount();
    await forgot(email);
    const token = await service.mailedToken(email);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) => reset(token, `password number ${at}`)),
    );
    assert.equal(answers.filter(({ status }) => status === 204).length, 1);
    for (const answer of answers) if (answer.status !== 204) refused(answer);
    const winner = answers.findIndex(({ status }) => status === 204);
    const checked = await service.checkCredentials(email, `password number ${winner}`);
    assert.equal(checked.status, 200);
  });

  it('refuses a token after an hour, after a change of the password, and for a deleted account', async () => {
    const { user, email } = await service.openAccount();
    await forgot(email);
    const late = await service.mailedToken(email);
    service.clock.advance(60 * 60);
    refused(await reset(late, 'a new password'));

    const other = await service.openAccount();
    await forgot(other.email);
    const outdated = await service.mailedToken(other.email);
    const body = { currentPassword: password, newPassword: 'changed meanwhile' };
    const changed = await service.call('POST', '/v1/users/me/password', {
      body,
      headers: other.headers,
    });
    assert.equal(changed.status, 204);
    refused(await reset(outdated, 'a new password'));

    const again = await service.signedIn(user.id);
    await forgot(email);
    const orphaned = await service.mailedToken(email);
    await service.call('POST', '/v1/users/me/delete', { body: { password }, headers: again });
    refused(await reset(orphaned, 'a new password'));
  });

  it('refuses a token of another kind and a forged one', async () => {
    const pending = randomEmail();
    await service.post('/v1/users', { name: 'Ana', email: pending, password });
    refused(await reset(await service.mailedToken(pending), 'a new password'));
    const { email } = await service.openAccount();
    await forgot(email);
    const token = await service.mailedToken(email);
    const forged = `${token.slice(0, -8)}${token.endsWith('AAAAAAAA') ? 'BBBBBBBA' : 'AAAAAAAA'}`;
    for (const wrong of ['x', `${token}A`, token.replace(/^./, 'B'), token.slice(0, -2), forged]) {
      refused(await reset(wrong, 'a new password'));
    }
  });

  it('refuses a guessable password without spending the token', async () => {
    const { email } = await service.openAccount();
    await forgot(email);
    const token = await service.mailedToken(email);
    for (const guessable of ['short', email.toUpperCase(), 'Password1']) {
      const answer = await reset(token, guessable);
      assert.equal(answer.status, 400);
      assert.equal(answer.body.errors[0].path, 'password');
    }
    assert.equal((await reset(token, 'a new password')).status, 204);
  });

  it('replays the response for an Idempotency-Key', async () => {
    const { email } = await service.openAccount();
    await forgot(email);
    const token = await service.mailedToken(email);
    const key = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => reset(token, 'a new password', key)),
    );
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([204]));
    assert.equal((await reset(token, 'another password', key)).status, 422);
    refused(await reset(token, 'a new password'));
  });
});
