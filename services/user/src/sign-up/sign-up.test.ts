import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { addressKeyOf } from '../store/accounts.ts';
import { listSignUps } from '../store/sign-ups.ts';
import {
  accountUrl,
  password,
  randomEmail,
  startUserService,
  type UserService,
} from '../testing.ts';

describe('signUp', () => {
  let service: UserService;
  before(async () => {
    service = await startUserService();
  });
  after(() => service.close());

  const signUp = (email: string, change: Record<string, unknown> = {}, key?: string) =>
    service.post('/v1/users', { name: 'Ana Sousa', email, password, ...change }, key);

  it('stores a pending sign-up and mails a link, without creating an account', async () => {
    const email = randomEmail();
    const answer = await signUp(`  ${email.toUpperCase()} `, { locale: 'pt-PT' });
    assert.equal(answer.status, 202);
    assert.deepEqual(answer.body, { status: 'pending' });

    const [mail, ...others] = await service.mails(email);
    assert.equal(others.length, 0);
    assert.equal(mail?.to, email.toUpperCase());
    assert.equal(mail?.locale, 'pt-PT');
    assert.equal(mail?.content.template, 'verify-account');
    assert.equal(mail?.content.name, 'Ana Sousa');
    assert.ok(mail?.content.link.startsWith(`${accountUrl}/verify?token=`));
    assert.equal((await service.checkCredentials(email, password)).status, 401);
  });

  it('responds the same to a known e-mail, and mails its owner a link to the reset page', async () => {
    const { user, email } = await service.openAccount();
    const answer = await signUp(email.toUpperCase(), {
      name: 'Mallory',
      password: 'another one 1',
    });
    assert.deepEqual([answer.status, answer.body], [202, { status: 'pending' }]);
    const mail = (await service.mails(email)).at(-1);
    assert.equal(mail?.to, email);
    assert.deepEqual(mail?.content, {
      template: 'account-exists',
      name: user.name,
      link: `${accountUrl}/reset`,
    });
    assert.deepEqual(await listSignUps(service.deps, addressKeyOf(email)), []);
    assert.equal((await service.checkCredentials(email, password)).status, 200);
  });

  it('sends at most three mails a day to an address, in any case', async () => {
    const email = randomEmail();
    const spellings = [email, email.toUpperCase(), email.replace('guest', 'Guest')];
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) => signUp(spellings[at % 3] as string)),
    );
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([202]));
    await service.post('/v1/users/verify/resend', { email });
    await service.post('/v1/users/password/forgot', { email });
    assert.equal((await service.mails(email)).length, 3);
    // A sign-up without a mail can never be verified, so it is not stored.
    assert.equal((await listSignUps(service.deps, addressKeyOf(email))).length, 3);

    service.clock.advance(24 * 60 * 60);
    await signUp(email);
    assert.equal((await service.mails(email)).length, 4);
  });

  it('counts the mails to all plus-addresses of a mailbox together', async () => {
    const email = randomEmail();
    const tagged = ['+a@', '+b@', '+b+c@', '+d@', '@'].map((at) => email.replace('@', at));
    for (const each of tagged) await signUp(each);
    const counts = await Promise.all(
      tagged.map(async (each) => (await service.mails(each)).length),
    );
    assert.deepEqual(counts, [1, 1, 1, 0, 0]);
  });

  it('returns 400 naming the invalid field', async () => {
    const refusals: [string, Record<string, unknown>][] = [
      ['email', { email: 'nobody' }],
      ['name', { name: ' ' }],
      ['name', { name: 'Ana\r\nBcc: all@example.com' }],
      ['locale', { locale: 'no such language' }],
      ['password', { password: 'short' }],
      ['password', { password: 'x'.repeat(129) }],
      ['admin', { admin: true }],
    ];
    for (const [path, change] of refusals) {
      const answer = await signUp(randomEmail(), change);
      assert.equal(answer.status, 400);
      assert.equal(answer.body.errors[0].path, path);
    }
  });

  it('returns 400 for a guessable password', async () => {
    const email = randomEmail();
    const [local] = email.split('@');
    const guessable = [email.toUpperCase(), local?.toUpperCase(), 'Password1', 'ｐassword123'];
    for (const password of guessable) {
      const answer = await signUp(email, { password });
      assert.equal(answer.status, 400, password);
      assert.equal(answer.body.errors[0].path, 'password');
    }
    assert.deepEqual(await service.mails(email), []);
  });

  it('works once for an Idempotency-Key, also with concurrent repeats', async () => {
    const email = randomEmail();
    const key = randomUUID();
    const answers = await Promise.all(Array.from({ length: 8 }, () => signUp(email, {}, key)));
    for (const { status, body } of answers) {
      assert.deepEqual([status, body], [202, { status: 'pending' }]);
    }
    assert.equal((await service.mails(email)).length, 1);
    const other = await signUp(email, { password: 'another password' }, key);
    assert.equal(other.status, 422);
    assert.match(other.body.type, /idempotency-key-reused$/);
    // The same key on another route is independent.
    assert.equal((await service.post('/v1/users/verify/resend', { email }, key)).status, 202);
    service.clock.advance(24 * 60 * 60);
    assert.equal((await signUp(email, { password: 'another password' }, key)).status, 202);
  });

  it('stores no password and no token in the idempotency record and the outbox', async () => {
    const email = randomEmail();
    const secret = 'never seen again';
    await signUp(email, { password: secret }, randomUUID());
    const token = await service.mailedToken(email);
    const { signUps, users } = service.deps.tables;
    for (const { name } of Object.values(service.deps.tables)) {
      const { Items } = await service.deps.db.send(new ScanCommand({ TableName: name }));
      const stored = JSON.stringify(Items);
      assert.ok(!stored.includes(secret), `${name} holds a password`);
      assert.ok(!stored.includes(token), `${name} holds a token`);
      if (name !== signUps.name && name !== users.name) {
        assert.ok(!stored.includes(email), `${name} holds an e-mail`);
      }
    }
  });
});
