import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { EventOf } from '@queue-manager/contracts/events';
import { limits } from '@queue-manager/contracts/values';
import { createPublisher } from '@queue-manager/events/publish';
import { type TestQueues, testQueues } from '@queue-manager/events/testing';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { until } from '@queue-manager/service-kit/testing';
import { createHousekeeping } from '../housekeeping.ts';
import { takeEvents, tasksOf, testDispatcher } from '../tasks/testing.ts';
import { accountUrl, assertProblem, type QueueService, startQueueService } from '../testing.ts';
import { invitationCalls } from './testing.ts';

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
  /** Hands out the venue's due tasks; returns the mails. */
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
  const { randomEmail, invite, invited, list, revoke, tokenOf, accept } = invitationCalls(
    () => service,
  );

  it('are mailed with a link that makes the recipient a member', async () => {
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
    assert.equal(base, `${accountUrl}/invitations/accept`);

    const { status, body } = await accept(id, token);
    assert.equal(status, 200);
    assert.deepEqual(body, {
      venueId,
      venueName: 'The Blue Door',
      userId: id,
      role: 'manager',
    });
    assert.deepEqual(await list(venueId, id), [], 'none is open any more');
    assertProblem(await accept(id, token), 'invalid-token');
  });

  it('can be revoked by anyone who may grant the role; the link stops working and no mail is sent', async () => {
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

  it('expire after seven days, and housekeeping deletes them', async () => {
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

  it('end when the sender may no longer grant the role', async () => {
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

  it('are deleted with the venue', async () => {
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

  it('return 404 to other venues', async () => {
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
});
