import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type EventOf, makeEvent } from '@queue-manager/contracts/events';
import { limits } from '@queue-manager/contracts/values';
import type { Role } from '@queue-manager/contracts/venues';
import { createPublisher } from '@queue-manager/events/publish';
import { type TestQueues, testQueues } from '@queue-manager/events/testing';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { until } from '@queue-manager/service-kit/testing';
import { createInvitationTokens } from '../access/invitation-tokens.ts';
import { lockVenue } from '../access/lock-venue.ts';
import { inTransaction } from '../db/database.ts';
import { createHousekeeping } from '../housekeeping.ts';
import { takeEvents, tasksOf, testDispatcher } from '../tasks/testing.ts';
import {
  type Answer,
  assertProblem,
  isLockAskedFor,
  publicUrl,
  type QueueService,
  startQueueService,
} from '../testing.ts';
import { onUserDeleted } from './on-user-deleted.ts';

describe('invitations', () => {
  let service: QueueService;
  let broker: TestQueues;
  before(async () => {
    service = await startQueueService();
    broker = await testQueues();
  });
  after(async () => {
    await service.stop();
    await broker.drop();
  });

  const lifeSeconds = limits.invitationDays * 86_400;
  const randomEmail = () => `${newId(service.clock)}@example.com`;

  const invite = (venueId: string, as: string, email: string, role: Role = 'host', key?: string) =>
    service.call('POST', `/v1/venues/${venueId}/invitations`, {
      as,
      body: { email, role },
      ...(key === undefined ? {} : { key }),
    });
  async function invited(...request: Parameters<typeof invite>) {
    const { status, body } = await invite(...request);
    assert.equal(status, 201, JSON.stringify(body));
    return body;
  }
  const list = async (venueId: string, as: string) =>
    (await service.call('GET', `/v1/venues/${venueId}/invitations`, { as })).body.data;
  const revoke = (venueId: string, as: string, id: string) =>
    service.call('DELETE', `/v1/venues/${venueId}/invitations/${id}`, { as });
  const tokenOf = (invitation: { id: string }) =>
    service.deps.invitationTokens.make(uuidToBytes(invitation.id));
  const accept = (as: string, token: string, key?: string): Promise<Answer> =>
    service.call('POST', '/v1/invitations/accept', {
      as,
      body: { token },
      ...(key === undefined ? {} : { key }),
    });
  async function roleOf(venueId: string, userId: string): Promise<Role | undefined> {
    const row = await service.db
      .selectFrom('members')
      .select('role')
      .where('venue_id', '=', uuidToBytes(venueId))
      .where('user_id', '=', uuidToBytes(userId))
      .executeTakeFirst();
    return row?.role;
  }

  /** Hands out what is due of a venue, and gives the mails. */
  async function handOut(venueId: string) {
    const publisher = createPublisher({ sqs: broker.sqs, prefix: broker.prefix });
    const dispatcher = testDispatcher(service, publisher);
    dispatcher.start();
    await until('everything due is handed out', async () =>
      (await tasksOf(service, { venueId })).every(({ state }) => state !== 'scheduled'),
    );
    await dispatcher.stop();
    const mails = await takeEvents<EventOf<'mail.requested'>>(broker, 'mails');
    return mails.filter(({ data }) => data.task?.venueId === venueId);
  }

  it('are sent by mail with a link, which makes who accepts a member', async () => {
    const { owner, venueId } = await service.openLine({}, { locale: 'pt-PT' });
    const { id, email } = service.userApp.open({ email: `Ana.${randomEmail()}` });
    const invitation = await invited(venueId, owner, email, 'manager');
    const created = service.clock.now();
    assert.deepEqual(invitation, {
      id: invitation.id,
      email,
      role: 'manager',
      createdAt: created.toISOString(),
      expiresAt: new Date(created.getTime() + lifeSeconds * 1_000).toISOString(),
    });
    assert.deepEqual(await list(venueId, owner), [invitation]);

    const [mail, ...others] = await handOut(venueId);
    assert.deepEqual(others, []);
    assert.equal(mail?.data.to, email);
    assert.equal(mail?.data.locale, 'pt-PT');
    const { content } = mail?.data ?? {};
    assert.equal(content?.template, 'venue-invitation');
    assert.equal(content.venueName, 'The Blue Door');
    assert.equal(content.role, 'manager');
    const [base, token = ''] = content.link.split('?token=');
    assert.equal(base, `${publicUrl}/invitations/accept`);

    const { status, body } = await accept(id, token);
    assert.equal(status, 200);
    assert.deepEqual(body, {
      venueId,
      venueName: 'The Blue Door',
      userId: id,
      role: 'manager',
    });
    assert.deepEqual(await list(venueId, id), [], 'the new manager sees that none is open');
    assertProblem(await accept(id, token), 'invalid-token');
  });

  it('leave no e-mail where tasks and answers are kept', async () => {
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

  it('are of roles below the own for a manager, of any for an owner, and of none for a host', async () => {
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

  it('are revoked by who could have sent them, and their link is dead and their mail not sent', async () => {
    const { owner, venueId } = await service.openLine();
    const manager = await service.member(venueId, 'manager');
    const host = await service.member(venueId, 'host');
    const account = service.userApp.open();
    const invitation = await invited(venueId, owner, account.email);
    const high = await invited(venueId, owner, randomEmail(), 'manager');
    assertProblem(await revoke(venueId, host, invitation.id), 'forbidden');
    assertProblem(await revoke(venueId, manager, high.id), 'forbidden');
    assert.equal((await revoke(venueId, manager, invitation.id)).status, 204);
    assertProblem(await revoke(venueId, manager, invitation.id), 'not-found');
    assertProblem(await accept(account.id, tokenOf(invitation)), 'invalid-token');
    assert.equal((await revoke(venueId, owner, high.id)).status, 204);
    assert.deepEqual(await handOut(venueId), []);
    assert.deepEqual(await tasksOf(service, { venueId }), []);
  });

  it('take the place of an earlier one to the same e-mail, however it is written', async () => {
    const { owner, venueId } = await service.openLine();
    const manager = await service.member(venueId, 'manager');
    const account = service.userApp.open();
    const first = await invited(venueId, owner, account.email);
    const second = await invited(venueId, owner, account.email.toUpperCase(), 'manager');
    assert.deepEqual(await list(venueId, owner), [second]);
    // Else a manager could take back what only an owner grants.
    assertProblem(await invite(venueId, manager, account.email, 'host'), 'forbidden');
    assertProblem(await accept(account.id, tokenOf(first)), 'invalid-token');
    const { status, body } = await accept(account.id, tokenOf(second));
    assert.equal(status, 200);
    assert.equal(body.role, 'manager');
    const elsewhere = await service.openLine();
    await invited(elsewhere.venueId, elsewhere.owner, account.email);
    assert.equal((await list(elsewhere.venueId, elsewhere.owner)).length, 1);
  });

  it('are for the invited e-mail only, in any spelling', async () => {
    const { owner, venueId } = await service.openLine();
    const account = service.userApp.open();
    const stranger = service.userApp.open();
    const invitation = await invited(venueId, owner, account.email.toUpperCase());
    const refused = await accept(stranger.id, tokenOf(invitation));
    assertProblem(refused, 'forbidden');
    assert.equal(refused.body.detail, 'This invitation was sent to another e-mail address.');
    assert.equal(await roleOf(venueId, stranger.id), undefined);
    assert.equal((await accept(account.id, tokenOf(invitation))).status, 200);
  });

  it('are accepted with nothing but their own whole token', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    const account = service.userApp.open();
    const token = tokenOf(await invited(venueId, owner, account.email));
    const { body: party } = await service.add(queueId, owner);
    const otherRing = createInvitationTokens([
      { id: 1, secret: Buffer.alloc(32, 8).toString('base64url') },
    ]);
    const unknown = uuidToBytes(newId(service.clock));
    const wrong = [
      'x',
      `${token}A`,
      token.slice(0, -1),
      `${token.slice(0, 10)}${token[10] === 'A' ? 'B' : 'A'}${token.slice(11)}`,
      party.ticket,
      otherRing.make(unknown),
      service.deps.invitationTokens.make(unknown),
    ];
    for (const one of wrong) assertProblem(await accept(account.id, one), 'invalid-token');
    assertProblem(await accept(account.id, ''), 'validation-failed');
    assertProblem(await accept(account.id, 'A'.repeat(257)), 'validation-failed');
    const asTicket = await service.call('GET', `/v1/tickets/${token}`);
    assert.equal(asTicket.status, 404);
    assert.equal(await roleOf(venueId, account.id), undefined);
  });

  it('end after their days, and make room then', async () => {
    const { owner, venueId } = await service.openLine();
    const manager = await service.member(venueId, 'manager');
    const account = service.userApp.open();
    const invitation = await invited(venueId, owner, account.email, 'owner');
    service.clock.advance(lifeSeconds - 1);
    assert.deepEqual(await list(venueId, owner), [invitation]);
    service.clock.advance(1);
    assert.deepEqual(await list(venueId, owner), []);
    assertProblem(await accept(account.id, tokenOf(invitation)), 'invalid-token');
    assertProblem(await revoke(venueId, owner, invitation.id), 'not-found');
    const renewed = await invited(venueId, manager, account.email);
    service.clock.advance(lifeSeconds);
    const { db, clock, deps } = service;
    const held = () =>
      db
        .selectFrom('invitations')
        .select('id')
        .where('venue_id', '=', uuidToBytes(venueId))
        .execute();
    assert.deepEqual(await held(), [{ id: uuidToBytes(renewed.id) }]);
    await createHousekeeping({ ...deps, db, clock }).sweep();
    assert.deepEqual(await held(), []);
  });

  it('leave a member the higher role', async () => {
    const { owner, venueId } = await service.openLine();
    for (const [is, invitedAs, becomes] of [
      ['manager', 'host', 'manager'],
      ['host', 'manager', 'manager'],
      ['manager', 'owner', 'owner'],
      ['owner', 'owner', 'owner'],
    ] as const) {
      const account = service.userApp.open({ id: await service.member(venueId, is) });
      const invitation = await invited(venueId, owner, account.email, invitedAs);
      const { body } = await accept(account.id, tokenOf(invitation));
      assert.equal(body.role, becomes);
      assert.equal(await roleOf(venueId, account.id), becomes);
    }
  });

  it('are accepted once, also twenty times at once; a repeat with its key gets the first answer', async () => {
    const { owner, venueId } = await service.openLine();
    const account = service.userApp.open();
    const token = tokenOf(await invited(venueId, owner, account.email));
    const answers = await Promise.all(Array.from({ length: 20 }, () => accept(account.id, token)));
    const accepted = answers.filter(({ status }) => status === 200);
    assert.equal(accepted.length, 1);
    for (const answer of answers) if (answer.status !== 200) assertProblem(answer, 'invalid-token');

    const again = tokenOf(await invited(venueId, owner, account.email, 'manager'));
    const key = newId(service.clock);
    const repeats = await Promise.all(
      Array.from({ length: 5 }, () => accept(account.id, again, key)),
    );
    for (const { status, body } of repeats) {
      assert.equal(status, 200);
      assert.equal(body.role, 'manager');
    }
    // Another body with that key, whatever its token is worth; and what is refused leaves its key free.
    const third = tokenOf(await invited(venueId, owner, account.email));
    for (const token of ['x', third]) {
      assertProblem(await accept(account.id, token, key), 'idempotency-key-reused');
    }
    const free = newId(service.clock);
    assertProblem(await accept(account.id, 'x', free), 'invalid-token');
    assert.equal((await accept(account.id, third, free)).status, 200);
    // Nor does a repeat need what the first answer took.
    service.userApp.state.isAway = true;
    const late = await accept(account.id, again, key);
    service.userApp.state.isAway = false;
    assert.deepEqual([late.status, late.body], [200, repeats[0]?.body]);
  });

  it('are not accepted when they are revoked, or their venue is deleted, at that moment', async () => {
    for (const end of ['revoked', 'deleted']) {
      const { owner, venueId } = await service.openLine();
      const account = service.userApp.open();
      const token = tokenOf(await invited(venueId, owner, account.email));
      const venue = uuidToBytes(venueId);
      const { accepting } = await inTransaction(service.db, async (trx) => {
        await lockVenue(trx, venue);
        const accepting = accept(account.id, token);
        await until('it waits for the venue', () => isLockAskedFor(service.db, 'venues'));
        if (end === 'revoked') {
          await trx.deleteFrom('invitations').where('venue_id', '=', venue).execute();
        } else {
          const deleted_at = service.clock.now();
          await trx.updateTable('venues').set({ deleted_at }).where('id', '=', venue).execute();
        }
        return { accepting };
      });
      assertProblem(await accepting, 'invalid-token');
      assert.equal(await roleOf(venueId, account.id), undefined);
    }
  });

  it('end when who sent them may not send such any more', async () => {
    const { owner, venueId } = await service.openLine();
    const manager = await service.member(venueId, 'manager');
    const second = await service.member(venueId, 'owner');
    const account = service.userApp.open();
    const byManager = await invited(venueId, manager, account.email);
    const hostBySecond = await invited(venueId, second, randomEmail());
    await invited(venueId, second, randomEmail(), 'manager');
    const kept = await invited(venueId, owner, randomEmail(), 'manager');
    const path = `/v1/venues/${venueId}/members`;
    await service.call('PATCH', `${path}/${second}`, { as: owner, body: { role: 'manager' } });
    const byId = (one: { id: string }, other: { id: string }) => (one.id < other.id ? -1 : 1);
    const left = [byManager, hostBySecond, kept].toSorted(byId);
    assert.deepEqual(await list(venueId, owner), left);
    await service.call('DELETE', `${path}/${manager}`, { as: owner });
    assertProblem(await accept(account.id, tokenOf(byManager)), 'invalid-token');
    await service.call('PATCH', `${path}/${second}`, { as: owner, body: { role: 'host' } });
    assert.deepEqual(await list(venueId, owner), [kept]);
  });

  it('end when the account of who sent them is deleted', async () => {
    const { owner, venueId } = await service.openLine();
    const manager = await service.member(venueId, 'manager');
    const account = service.userApp.open();
    const byManager = await invited(venueId, manager, account.email);
    const kept = await invited(venueId, owner, randomEmail());
    const event = makeEvent({
      id: newId(service.clock),
      source: '/user',
      type: 'user.deleted',
      subject: manager,
      time: service.clock.now().toISOString(),
      data: { userId: manager },
    });
    for (let times = 0; times < 2; times += 1) await onUserDeleted(service.deps)(event);
    assertProblem(await accept(account.id, tokenOf(byManager)), 'invalid-token');
    assert.deepEqual(await list(venueId, owner), [kept]);
  });

  it('go with their venue', async () => {
    const { owner, venueId } = await service.openLine();
    const account = service.userApp.open();
    const token = tokenOf(await invited(venueId, owner, account.email));
    const deleted = await service.call('DELETE', `/v1/venues/${venueId}`, { as: owner });
    assert.equal(deleted.status, 204);
    assertProblem(await accept(account.id, token), 'invalid-token');
    const left = await service.db
      .selectFrom('invitations')
      .select('id')
      .where('venue_id', '=', uuidToBytes(venueId))
      .execute();
    assert.deepEqual(left, []);
  });

  it('are not accepted by a deleted account, nor while accounts cannot be asked', async () => {
    const { owner, venueId } = await service.openLine();
    const account = service.userApp.open();
    const token = tokenOf(await invited(venueId, owner, account.email));
    service.userApp.state.isAway = true;
    assertProblem(await accept(account.id, token), 'unavailable');
    service.userApp.state.isAway = false;
    service.userApp.forget(account.id);
    assertProblem(await accept(account.id, token), 'unauthenticated');
    service.userApp.open(account);
    await service.db
      .insertInto('accounts')
      .values({ user_id: uuidToBytes(account.id), deleted_at: service.clock.now() })
      .execute();
    assertProblem(await accept(account.id, token), 'unauthenticated');
    assert.equal(await roleOf(venueId, account.id), undefined);
  });

  it('are nothing to another venue', async () => {
    const { owner, venueId } = await service.openLine();
    const other = await service.openLine();
    const invitation = await invited(venueId, owner, randomEmail());
    assertProblem(await invite(venueId, other.owner, randomEmail()), 'not-found');
    assertProblem(await revoke(venueId, other.owner, invitation.id), 'not-found');
    assertProblem(await revoke(other.venueId, other.owner, invitation.id), 'not-found');
    const listed = await service.call('GET', `/v1/venues/${venueId}/invitations`, {
      as: other.owner,
    });
    assertProblem(listed, 'not-found');
    assert.deepEqual(await list(venueId, owner), [invitation]);
  });

  describe('are so many a day for each account', () => {
    const max = limits.invitationsOfDayMax;
    const sendsOf = (userId: string) =>
      service.db
        .selectFrom('invitation_sends')
        .selectAll()
        .where('user_id', '=', uuidToBytes(userId))
        .execute();
    /** The venues of one owner; what locks a venue does not keep them apart. */
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

    it('over all venues, also when many are sent at once, until the oldest is a day old', async () => {
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

    it('also when they are taken back, or replaced, and each falls out on its own', async () => {
      const { owner, venueId } = await service.openLine();
      const { id } = await invited(venueId, owner, randomEmail());
      assert.equal((await revoke(venueId, owner, id)).status, 204);
      service.clock.advance(3_600);
      const email = randomEmail();
      for (let sent = 1; sent < max; sent += 1) await invited(venueId, owner, email);
      const [last] = await list(venueId, owner);
      assertRefused(await invite(venueId, owner, email), 82_800);
      assert.deepEqual(await list(venueId, owner), [last], 'the one before stands');
      service.clock.advance(82_800);
      await invited(venueId, owner, email);
      assertRefused(await invite(venueId, owner, email), 3_600);
    });

    it('of which a repeat is none, nor what is refused', async () => {
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

    it('and are forgotten after their day, or with the account', async () => {
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
      const deleted = makeEvent({
        id: newId(service.clock),
        source: '/user',
        type: 'user.deleted',
        subject: owner,
        time: service.clock.now().toISOString(),
        data: { userId: owner },
      });
      await onUserDeleted(service.deps)(deleted);
      assert.deepEqual(await sendsOf(owner), []);
    });
  });

  it('are refused where they are not valid', async () => {
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

  it('come by pages, and a venue has so many at most', async () => {
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
    assert.equal((await invite(venueId, owner, last.email)).status, 201, 'it replaces one');

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
    assert.equal((await invite(venueId, owner, randomEmail())).status, 201, 'the others ended');
  });
});
