import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { limits } from '@queue-manager/contracts/values';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { createHousekeeping } from '../housekeeping.ts';
import { tasksOf } from '../tasks/testing.ts';
import { type Answer, assertProblem, type QueueService, startQueueService } from '../testing.ts';
import { onUserDeleted } from './on-user-deleted.ts';
import { invitationCalls, userDeletedEvent } from './testing.ts';

describe('create invitation', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const { randomEmail, invite, invited, list, revoke, tokenOf, accept } = invitationCalls(
    () => service,
  );

  it('stores no e-mail address in tasks or idempotency answers', async () => {
    const { owner, venueId } = await service.openLine();
    const email = randomEmail();
    const key = newId(service.clock);
    const first = await invited(venueId, owner, email, 'host', key);
    const again = await invited(venueId, owner, email, 'host', key);
    assert.deepEqual(again, first);
    assert.deepEqual(await list(venueId, owner), [first]);
    assertProblem(
      await invite(venueId, owner, randomEmail(), 'host', key),
      'idempotency-key-reused',
    );

    const tasks = await service.call('GET', `/v1/venues/${venueId}/tasks`, { as: owner });
    assert.deepEqual(
      tasks.body.data.map(({ kind, partyId }: Record<string, unknown>) => [kind, partyId]),
      [['notify.invitation', null]],
    );
    assert.ok(!JSON.stringify(tasks.body).includes(email));
    const kept = [
      ...(await tasksOf(service, { venueId })).map(({ payload }) => payload),
      ...(await service.db.selectFrom('idempotency_keys').select('answer').execute()).map(
        ({ answer }) => answer,
      ),
    ];
    for (const text of kept) assert.ok(!text?.includes(email), text ?? '');
  });

  it('lets owners grant any role, managers only lower roles, hosts none', async () => {
    const { owner, venueId } = await service.openLine();
    const manager = await service.member(venueId, 'manager');
    const host = await service.member(venueId, 'host');
    for (const role of ['host', 'manager', 'owner'] as const) {
      assert.equal((await invite(venueId, owner, randomEmail(), role)).status, 201);
      assertProblem(await invite(venueId, host, randomEmail(), role), 'forbidden');
    }
    assert.equal((await invite(venueId, manager, randomEmail(), 'host')).status, 201);
    for (const role of ['manager', 'owner'] as const) {
      assertProblem(await invite(venueId, manager, randomEmail(), role), 'forbidden');
    }
    assert.equal((await list(venueId, manager)).length, 4);
    const asHost = await service.call('GET', `/v1/venues/${venueId}/invitations`, { as: host });
    assertProblem(asHost, 'forbidden');
  });

  it('replaces an earlier invitation to the same address, regardless of case', async () => {
    const { owner, venueId } = await service.openLine();
    const manager = await service.member(venueId, 'manager');
    const account = service.userApp.open();
    const first = await invited(venueId, owner, account.email);
    const second = await invited(venueId, owner, account.email.toUpperCase(), 'manager');
    assert.deepEqual(await list(venueId, owner), [second]);
    // Otherwise a manager could revoke what only an owner may grant.
    assertProblem(await invite(venueId, manager, account.email, 'host'), 'forbidden');
    assertProblem(await accept(account.id, tokenOf(first)), 'invalid-token');
    const { status, body } = await accept(account.id, tokenOf(second));
    assert.equal(status, 200);
    assert.equal(body.role, 'manager');
    const elsewhere = await service.openLine();
    await invited(elsewhere.venueId, elsewhere.owner, account.email);
    assert.equal((await list(elsewhere.venueId, elsewhere.owner)).length, 1);
  });

  describe('limits an account’s invitations per day', () => {
    const max = limits.invitationsOfDayMax;
    const sendsOf = (userId: string) =>
      service.db
        .selectFrom('invitation_sends')
        .selectAll()
        .where('user_id', '=', uuidToBytes(userId))
        .execute();
    /** Several venues of one owner, so that a venue’s lock does not serialise the calls. */
    async function venuesOf(owner: string, count: number): Promise<string[]> {
      const made = Array.from({ length: count }, () =>
        service.call('POST', '/v1/venues', {
          as: owner,
          body: { name: 'The Blue Door', timezone: 'Europe/Lisbon' },
        }),
      );
      return (await Promise.all(made)).map(({ body }) => body.id);
    }
    function assertRefused(answer: Answer, retryAfterSeconds: number) {
      assertProblem(answer, 'too-many-requests');
      assert.equal(answer.headers['retry-after'], String(retryAfterSeconds));
      assert.match(answer.body.detail, /up to 50 invitations in 24 hours/);
    }

    it('over all its venues, under concurrent calls, until the oldest is a day old', async () => {
      const owner = newId(service.clock);
      const venueIds = await venuesOf(owner, 6);
      const answers = await Promise.all(
        Array.from({ length: max + 10 }, (_, n) =>
          invite(venueIds[n % venueIds.length] as string, owner, randomEmail()),
        ),
      );
      const refused = answers.filter(({ status }) => status !== 201);
      assert.equal(refused.length, 10);
      for (const answer of refused) assertRefused(answer, 86_400);
      const open = await Promise.all(venueIds.map((venueId) => list(venueId, owner)));
      assert.equal(open.flat().length, max);
      assert.equal((await sendsOf(owner)).length, max);

      const [venueId] = venueIds as [string];
      const manager = await service.member(venueId, 'manager');
      await invited(venueId, manager, randomEmail());
      service.clock.advance(86_399);
      assertRefused(await invite(venueId, owner, randomEmail()), 1);
      service.clock.advance(1);
      await invited(venueId, owner, randomEmail());
    });

    it('including revoked and replaced ones, each for its own 24 hours', async () => {
      const { owner, venueId } = await service.openLine();
      const { id } = await invited(venueId, owner, randomEmail());
      assert.equal((await revoke(venueId, owner, id)).status, 204);
      service.clock.advance(3_600);
      const email = randomEmail();
      for (let sent = 1; sent < max; sent += 1) await invited(venueId, owner, email);
      const [last] = await list(venueId, owner);
      assertRefused(await invite(venueId, owner, email), 82_800);
      assert.deepEqual(await list(venueId, owner), [last], 'the earlier one stays');
      service.clock.advance(82_800);
      await invited(venueId, owner, email);
      assertRefused(await invite(venueId, owner, email), 3_600);
    });

    it('counting neither repeats nor refused requests', async () => {
      const { owner, venueId } = await service.openLine();
      const manager = await service.member(venueId, 'manager');
      assertProblem(await invite(venueId, manager, randomEmail(), 'owner'), 'forbidden');
      const key = newId(service.clock);
      const email = randomEmail();
      const first = await invited(venueId, manager, email, 'host', key);
      const repeats = await Promise.all(
        Array.from({ length: 5 }, () => invited(venueId, manager, email, 'host', key)),
      );
      assert.equal((await sendsOf(manager)).length, 1);
      for (let sent = 1; sent < max; sent += 1) await invited(venueId, manager, randomEmail());
      const other = newId(service.clock);
      assertRefused(await invite(venueId, manager, randomEmail(), 'host', other), 86_400);
      repeats.push(await invited(venueId, manager, email, 'host', key));
      for (const repeat of repeats) assert.deepEqual(repeat, first);
      await invited(venueId, owner, randomEmail());
    });

    it('and deletes the records after a day or with the account', async () => {
      const { owner, venueId } = await service.openLine();
      const manager = await service.member(venueId, 'manager');
      const sweep = () => createHousekeeping({ ...service.deps, db: service.db }).sweep();
      await invited(venueId, owner, randomEmail());
      await invited(venueId, manager, randomEmail());
      service.clock.advance(1);
      await invited(venueId, owner, randomEmail());
      service.clock.advance(86_399);
      await sweep();
      assert.equal((await sendsOf(owner)).length, 1);
      assert.equal((await sendsOf(manager)).length, 0);
      await onUserDeleted(service.deps)(userDeletedEvent(service, owner));
      assert.deepEqual(await sendsOf(owner), []);
    });
  });

  it('returns 400 and names the invalid field', async () => {
    const { owner, venueId } = await service.openLine();
    const send = (body: unknown) =>
      service.call('POST', `/v1/venues/${venueId}/invitations`, { as: owner, body });
    const email = randomEmail();
    for (const [body, paths] of [
      [{ email: 'nobody', role: 'host' }, ['email']],
      [{ email: `a\r\nBcc: ${email}`, role: 'host' }, ['email']],
      [{ email, role: 'chef' }, ['role']],
      [{ email }, ['role']],
      [{ email, role: 'host', since: 1 }, ['since']],
    ] as const) {
      assert.deepEqual(assertProblem(await send(body), 'validation-failed'), paths);
    }
    assert.deepEqual(await list(venueId, owner), []);
  });

  it('limits the open invitations of a venue, and lists them page by page', async () => {
    const { owner, venueId } = await service.openLine();
    const now = service.clock.now();
    const rows = Array.from({ length: limits.invitationsMax - 1 }, (_, index) => ({
      venue_id: uuidToBytes(venueId),
      id: uuidToBytes(newId(service.clock)),
      email: `p${index}@example.com`,
      email_key: `p${index}@example.com`,
      role: 'host' as const,
      invited_by: uuidToBytes(owner),
      created_at: now,
      expires_at: new Date(now.getTime() + 1_000),
    }));
    await service.db.insertInto('invitations').values(rows).execute();
    const last = await invited(venueId, owner, randomEmail());
    assertProblem(await invite(venueId, owner, randomEmail()), 'too-many-invitations');
    assert.equal(
      (await invite(venueId, owner, last.email)).status,
      201,
      'a replacement needs no room',
    );

    const seen = new Set<string>();
    let cursor = '';
    for (;;) {
      const { status, body } = await service.call(
        'GET',
        `/v1/venues/${venueId}/invitations?limit=90${cursor}`,
        { as: owner },
      );
      assert.equal(status, 200);
      for (const { id } of body.data) seen.add(id);
      if (body.nextCursor === null) break;
      cursor = `&cursor=${body.nextCursor}`;
    }
    assert.equal(seen.size, limits.invitationsMax);
    const bad = await service.call('GET', `/v1/venues/${venueId}/invitations?cursor=x`, {
      as: owner,
    });
    assertProblem(bad, 'validation-failed');
    service.clock.advance(1);
    assert.equal(
      (await invite(venueId, owner, randomEmail())).status,
      201,
      'expired ones make room',
    );
  });
});
