import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Role } from '@queue-manager/contracts/venues';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';

describe('list members', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const list = (venueId: string, as: string, query = '') =>
    service.call('GET', `/v1/venues/${venueId}/members${query}`, { as });
  const change = (venueId: string, as: string, userId: string, role: Role) =>
    service.call('PATCH', `/v1/venues/${venueId}/members/${userId}`, { as, body: { role } });

  it('lists all members with their names to any member, page by page', async () => {
    const { owner, venueId } = await service.openLine();
    const manager = await service.member(venueId, 'manager');
    const host = await service.member(venueId, 'host');
    service.userApp.open({ id: owner, name: 'Olga Owner' });
    service.userApp.open({ id: manager, name: 'Marta Manager' });
    const members = [
      { userId: owner, name: 'Olga Owner', role: 'owner' },
      { userId: manager, name: 'Marta Manager', role: 'manager' },
      // The account was deleted; its event has not arrived yet.
      { userId: host, name: null, role: 'host' },
    ].toSorted((one, other) => (one.userId < other.userId ? -1 : 1));
    const { status, body } = await list(venueId, host);
    assert.equal(status, 200);
    assert.deepEqual(body, { data: members, nextCursor: null });

    const first = await list(venueId, owner, '?limit=2');
    assert.deepEqual(first.body.data, members.slice(0, 2));
    const second = await list(venueId, owner, `?limit=2&cursor=${first.body.nextCursor}`);
    assert.deepEqual(second.body, { data: members.slice(2), nextCursor: null });
    assertProblem(await list(venueId, owner, '?cursor=x'), 'validation-failed');
  });

  it('lists members without names while the user service is unavailable', async () => {
    const { owner, venueId } = await service.openLine();
    const host = await service.member(venueId, 'host');
    service.userApp.open({ id: owner });
    service.userApp.state.isUnavailable = true;
    try {
      const { status, body } = await list(venueId, owner);
      assert.equal(status, 200);
      assert.deepEqual(
        body.data.map(({ name }: { name: unknown }) => name),
        [null, null],
      );
      const changed = await change(venueId, owner, host, 'manager');
      assert.deepEqual(changed.body, { userId: host, name: null, role: 'manager' });
    } finally {
      service.userApp.state.isUnavailable = false;
    }
  });
});
