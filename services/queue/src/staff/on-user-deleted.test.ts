import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { credentialHeader } from '@queue-manager/service-kit/internal-credential';
import { testCredential } from '@queue-manager/service-kit/testing';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';
import { onUserDeleted } from './on-user-deleted.ts';
import { invitationCalls, userDeletedEvent } from './testing.ts';

describe('user.deleted', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const { randomEmail, invited, list, tokenOf, accept } = invitationCalls(() => service);
  const membershipsOf = async (userId: string) => {
    const headers = { [credentialHeader]: testCredential };
    const url = `/internal/users/${userId}/memberships`;
    const { status, body } = await service.call('GET', url, { headers });
    assert.equal(status, 200);
    return body.memberships;
  };
  async function owners(venueId: string): Promise<string[]> {
    const rows = await service.db
      .selectFrom('members')
      .select('user_id')
      .where('venue_id', '=', uuidToBytes(venueId))
      .where('role', '=', 'owner')
      .execute();
    return rows.map(({ user_id }) => user_id.toString('hex'));
  }

  it('removes all memberships, once or repeatedly', async () => {
    const { owner, venueId } = await service.openLine();
    const host = await service.member(venueId, 'host');
    const event = userDeletedEvent(service, host);
    for (let times = 0; times < 2; times += 1) await onUserDeleted(service.deps)(event);
    assert.deepEqual(await membershipsOf(host), []);
    assertProblem(await service.call('GET', `/v1/venues/${venueId}`, { as: host }), 'not-found');
    assert.equal((await membershipsOf(owner)).length, 1);
  });

  it('prevents new venues, and deletes one created meanwhile', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    const shared = await service.openLine();
    await service.db
      .insertInto('members')
      .values({
        venue_id: uuidToBytes(shared.venueId),
        user_id: uuidToBytes(owner),
        role: 'owner',
        since: service.clock.now(),
      })
      .execute();
    const { body: party } = await service.add(queueId, owner);
    const event = userDeletedEvent(service, owner);
    const body = { name: 'Too late', timezone: 'Europe/Lisbon' };
    const [made] = await Promise.all([
      service.call('POST', '/v1/venues', { as: owner, body }),
      onUserDeleted(service.deps)(event),
    ]);
    assert.ok([201, 401].includes(made.status));
    await onUserDeleted(service.deps)(event);
    assert.deepEqual(await membershipsOf(owner), []);
    assertProblem(await service.call('POST', '/v1/venues', { as: owner, body }), 'unauthenticated');

    await service.eraseDeleted(venueId);
    const { body: ticket } = await service.call('GET', `/v1/tickets/${party.ticket}`);
    assert.deepEqual([ticket.state, ticket.name], ['removed', null]);
    const left = await service.db
      .selectFrom('venues')
      .select('id')
      .where('deleted_at', 'is', null)
      .where('id', 'in', [venueId, shared.venueId, made.body.id ?? venueId].map(uuidToBytes))
      .execute();
    assert.deepEqual(left, [{ id: uuidToBytes(shared.venueId) }]);
  });

  it('leaves no venue without an owner when the other owner steps down concurrently', async () => {
    for (let round = 0; round < 20; round += 1) {
      const { owner, venueId } = await service.openLine();
      const second = await service.member(venueId, 'owner');
      const url = `/v1/venues/${venueId}/members/${second}`;
      await Promise.all([
        onUserDeleted(service.deps)(userDeletedEvent(service, owner)),
        service.call('PATCH', url, { as: second, body: { role: 'host' } }),
      ]);
      const venue = await service.db
        .selectFrom('venues')
        .select('deleted_at')
        .where('id', '=', uuidToBytes(venueId))
        .executeTakeFirstOrThrow();
      const left = await owners(venueId);
      assert.ok(left.length === 1 || venue.deleted_at !== null, 'an owner, or no venue');
    }
  });

  it('deletes the invitations that the account sent', async () => {
    const { owner, venueId } = await service.openLine();
    const manager = await service.member(venueId, 'manager');
    const account = service.userApp.open();
    const byManager = await invited(venueId, manager, account.email);
    const kept = await invited(venueId, owner, randomEmail());
    const event = userDeletedEvent(service, manager);
    for (let times = 0; times < 2; times += 1) await onUserDeleted(service.deps)(event);
    assertProblem(await accept(account.id, tokenOf(byManager)), 'invalid-token');
    assert.deepEqual(await list(venueId, owner), [kept]);
  });
});
