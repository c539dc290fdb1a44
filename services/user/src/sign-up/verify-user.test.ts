import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { User } from '@queue-manager/contracts/users';
import type { OutboxItem } from '../outbox/outbox.ts';
import { password, randomEmail, startUserService, type UserService } from '../testing.ts';

describe('verifyUser', () => {
  let service: UserService;
  before(async () => {
    service = await startUserService();
  });
  after(() => service.close());

  const verify = (token: string, key?: string) => service.post('/v1/users/verify', { token }, key);
  const signUp = async (email: string, change: Record<string, unknown> = {}) => {
    const body = { name: 'Ana', email, password, ...change };
    assert.equal((await service.post('/v1/users', body)).status, 202);
  };
  const tokensOf = async (email: string) =>
    (await service.mails(email)).flatMap(({ token }) => token ?? []);
  const refused = (answer: { status: number; body: { type: string } }) => {
    assert.equal(answer.status, 400);
    assert.match(answer.body.type, /invalid-token$/);
  };

  it('creates the account once and publishes user.verified', async () => {
    const email = randomEmail().replace('guest', 'Guest');
    await signUp(email, { name: 'Ana Sousa', locale: 'pt-PT' });
    service.clock.advance(60);
    const token = await service.mailedToken(email);
    const announced: OutboxItem[] = [];
    const { send } = service.deps.relay;
    service.deps.relay.send = (items) => {
      announced.push(...items);
      send(items);
    };
    const answer = await verify(token);
    service.deps.relay.send = send;
    assert.equal(answer.status, 200);
    const user = answer.body as User;
    assert.deepEqual(user, {
      id: user.id,
      name: 'Ana Sousa',
      email,
      locale: 'pt-PT',
      createdAt: new Date(service.clock.now().getTime() - 60_000).toISOString(),
      verifiedAt: service.clock.now().toISOString(),
    });
    assert.equal((await service.checkCredentials(email.toUpperCase(), password)).status, 200);
    refused(await verify(token));
    assert.deepEqual(
      announced.map(({ announcement }) => announcement),
      [{ kind: 'user.verified', userId: user.id }],
    );
  });

  it('uses the password of the verified sign-up', async () => {
    const email = randomEmail();
    await signUp(email, { password: 'the first password' });
    service.clock.advance(1);
    await signUp(email, { password: 'the second password' });
    const [first = ''] = await tokensOf(email);
    assert.equal((await verify(first)).status, 200);
    assert.equal((await service.checkCredentials(email, 'the first password')).status, 200);
    assert.equal((await service.checkCredentials(email, 'the second password')).status, 401);
  });

  it('creates one account from several sign-ups of one e-mail', async () => {
    const email = randomEmail();
    const spellings = [email, email.toUpperCase(), email.replace('guest', 'GuesT')];
    await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        signUp(spellings[at % 3] as string, { password: `password number ${at}` }),
      ),
    );
    const tokens = await tokensOf(email);
    assert.equal(tokens.length, 3);
    const answers = await Promise.all(
      [...tokens, ...tokens, ...tokens].map((token) => verify(token)),
    );
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    for (const answer of answers) if (answer.status !== 200) refused(answer);
    const works = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        service.checkCredentials(email, `password number ${at}`),
      ),
    );
    assert.equal(works.filter(({ status }) => status === 200).length, 1);
  });

  it('lets one of fifty concurrent verifications win', async () => {
    const email = randomEmail();
    await signUp(email);
    const token = await service.mailedToken(email);
    const answers = await Promise.all(Array.from({ length: 50 }, () => verify(token)));
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    for (const answer of answers) if (answer.status !== 200) refused(answer);
  });

  it('never changes an existing account', async () => {
    const email = randomEmail();
    await signUp(email, { password: 'of an earlier sign-up' });
    const [earlier = ''] = await tokensOf(email);
    const { user } = await service.openAccount({ email });
    refused(await verify(earlier));
    assert.equal((await service.checkCredentials(email, password)).body.userId, user.id);
    assert.equal((await service.checkCredentials(email, 'of an earlier sign-up')).status, 401);
  });

  it('returns 400 for a token older than a day', async () => {
    const email = randomEmail();
    await signUp(email);
    const token = await service.mailedToken(email);
    service.clock.advance(24 * 60 * 60);
    refused(await verify(token));
  });

  it('returns 400 for anything but a verification token', async () => {
    const { email } = await service.openAccount();
    await service.post('/v1/users/password/forgot', { email });
    refused(await verify(await service.mailedToken(email)));
    const pending = randomEmail();
    await signUp(pending);
    const token = await service.mailedToken(pending);
    const forged = `${token.slice(0, -4)}${token.endsWith('AAAA') ? 'BBBB' : 'AAAA'}`;
    const flipped = token.startsWith('A') ? `B${token.slice(1)}` : `A${token.slice(1)}`;
    for (const wrong of [
      'x',
      `${token}x`,
      `${token}=`,
      flipped,
      token.slice(0, -1),
      forged,
      randomUUID(),
    ]) {
      refused(await verify(wrong));
    }
    assert.equal((await verify(token)).status, 200);
  });

  it('replays the first response for an Idempotency-Key, also to concurrent repeats', async () => {
    const email = randomEmail();
    await signUp(email);
    const token = await service.mailedToken(email);
    const key = randomUUID();
    const answers = await Promise.all(Array.from({ length: 8 }, () => verify(token, key)));
    for (const answer of [...answers, await verify(token, key)]) {
      assert.deepEqual([answer.status, answer.body], [200, answers[0]?.body]);
    }
    const other = await verify('another', key);
    assert.equal(other.status, 422);
  });
});
