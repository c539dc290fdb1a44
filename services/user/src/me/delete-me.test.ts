import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, beforeEach, describe, it } from 'node:test';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { newId } from '@queue-manager/service-kit/ids';
import { shortDeadline } from '@queue-manager/service-kit/testing';
import { addressKeyOf } from '../store/accounts.ts';
import { listSignUps } from '../store/sign-ups.ts';
import { password, randomEmail, startUserService, type UserService } from '../testing.ts';

describe('deleteMe', () => {
  let service: UserService;
  beforeEach(async () => {
    await service?.close();
    service = await startUserService();
  });
  after(() => service.close());

  const deleteMe = (headers: Record<string, string>, offered = password, key?: string) =>
    service.call('POST', '/v1/users/me/delete', {
      body: { password: offered },
      headers,
      ...(key === undefined ? {} : { key }),
    });

  it('deletes all data of the account and publishes user.deleted', async () => {
    const email = randomEmail();
    await service.post('/v1/users', { name: 'Ana', email, password: 'of another sign-up' });
    const waiting = await service.mailedToken(email);
    const { user, headers } = await service.openAccount({ email });
    assert.equal((await deleteMe(headers)).status, 204);

    assert.equal((await service.getAccount(user.id)).status, 404);
    assert.equal((await service.checkCredentials(email, password)).status, 401);
    assert.equal((await service.call('GET', '/v1/users/me', { headers })).status, 401);
    assert.deepEqual(await listSignUps(service.deps, addressKeyOf(email)), []);
    assert.equal((await service.post('/v1/users/verify', { token: waiting })).status, 400);
    for (const queue of ['queue-events', 'auth-events'] as const) {
      const events = (await service.events(queue)).filter(({ type }) => type === 'user.deleted');
      assert.deepEqual(
        events.map(({ subject, data }) => [subject, data]),
        [[user.id, { userId: user.id }]],
      );
    }
    for (const { name } of Object.values(service.deps.tables)) {
      const { Items } = await service.deps.db.send(new ScanCommand({ TableName: name }));
      assert.ok(!JSON.stringify(Items).includes(email), `${name} still knows the address`);
    }

    // The address can be used for a new account, which inherits nothing.
    const next = await service.openAccount({ email, name: 'New' });
    assert.notEqual(next.user.id, user.id);
  });

  it('requires the password, and returns 409 for the sole owner of a venue', async () => {
    const { headers } = await service.openAccount();
    const wrong = await deleteMe(headers, 'not the password');
    assert.equal(wrong.status, 401);
    assert.match(wrong.body.type, /invalid-credentials$/);
    const since = service.clock.now().toISOString();
    const membership = {
      venueId: newId(service.clock),
      venueName: 'Bar',
      role: 'owner',
      since,
    } as const;
    service.queueService.memberships.push({ ...membership, soleOwner: true });
    const owner = await deleteMe(headers);
    assert.equal(owner.status, 409);
    assert.match(owner.body.type, /last-owner$/);
    service.queueService.memberships[0] = { ...membership, soleOwner: false };
    assert.equal((await deleteMe(headers)).status, 204);
  });

  it('returns 503 while the queue service is unavailable', async () => {
    const { headers } = await service.openAccount();
    await service.queueService.close();
    const answer = await deleteMe({ ...headers, ...shortDeadline });
    assert.equal(answer.status, 503);
    assert.ok(answer.headers['retry-after']);
    assert.equal((await service.call('GET', '/v1/users/me', { headers })).status, 200);
  });

  it('works once for an Idempotency-Key and replays the response', async () => {
    const { user, headers } = await service.openAccount();
    const key = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => deleteMe(headers, password, key)),
    );
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([204]));
    assert.equal((await deleteMe(headers, password, key)).status, 204);
    assert.equal((await deleteMe(headers)).status, 401);
    const events = await service.events('auth-events');
    assert.equal(events.filter(({ subject }) => subject === user.id).length, 1);
  });
});
