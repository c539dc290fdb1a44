import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { makeEvent } from '@queue-manager/contracts/events';
import type { Role } from '@queue-manager/contracts/venues';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';
import { onUserDeleted } from './on-user-deleted.ts';

describe('members', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const list = (venueId: string, as: string, query = '') =>
    service.call('GET', `/v1/venues/${venueId}/members${query}`, { as });
  const change = (venueId: string, as: string, userId: string, role: Role) =>
    service.call('PATCH', `/v1/venues/${venueId}/members/${userId}`, { as, body: { role } });
  const remove = (venueId: string, as: string, userId: string) =>
    service.call('DELETE', `/v1/venues/${venueId}/members/${userId}`, { as });
  async function owners(venueId: string): Promise<string[]> {
    const rows = await service.db
      .selectFrom('members')
      .select('user_id')
      .where('venue_id', '=', uuidToBytes(venueId))
      .where('role', '=', 'owner')
      .execute();
    return rows.map(({ user_id }) => user_id.toString('hex'));
  }

  it('are listed by their names to everyone of the venue, page by page', async () => {
    const { owner, venueId } = await service.openLine();
    const manager = await service.member(venueId, 'manager');
    const host = await service.member(venueId, 'host');
    service.userApp.open({ id: owner, name: 'Olga Owner' });
    service.userApp.open({ id: manager, name: 'Marta Manager' });
    const members = [
      { userId: owner, name: 'Olga Owner', role: 'owner' },
      { userId: manager, name: 'Marta Manager', role: 'manager' },
      // Its account is gone, and the event that says so is on its way.
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

  it('are listed without names while accounts cannot be asked', async () => {
    const { owner, venueId } = await service.openLine();
    const host = await service.member(venueId, 'host');
    service.userApp.open({ id: owner });
    service.userApp.state.isAway = true;
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
      service.userApp.state.isAway = false;
    }
  });

  it('are given other roles and taken out by an owner, and by nobody else', async () => {
    const { owner, venueId } = await service.openLine();
    const manager = await service.member(venueId, 'manager');
    const host = await service.member(venueId, 'host');
    service.userApp.open({ id: host, name: 'Hugo Host' });
    for (const as of [manager, host]) {
      assertProblem(await change(venueId, as, host, 'manager'), 'forbidden');
      assertProblem(await remove(venueId, as, host), 'forbidden');
    }
    const changed = await change(venueId, owner, host, 'owner');
    assert.equal(changed.status, 200);
    assert.deepEqual(changed.body, { userId: host, name: 'Hugo Host', role: 'owner' });
    assert.equal((await change(venueId, host, host, 'owner')).status, 200, 'as it is already');
    assert.equal((await remove(venueId, host, manager)).status, 204);
    assertProblem(await list(venueId, manager), 'not-found');
    assertProblem(await remove(venueId, host, manager), 'not-found');
    assertProblem(await change(venueId, host, manager, 'host'), 'not-found');
    assert.deepEqual(
      (await list(venueId, host)).body.data.map(({ userId }: { userId: string }) => userId),
      [owner, host].toSorted(),
    );
  });

  it('include an owner, always', async () => {
    const { owner, venueId } = await service.openLine();
    await service.member(venueId, 'manager');
    for (const role of ['host', 'manager'] as const) {
      assertProblem(await change(venueId, owner, owner, role), 'last-owner');
    }
    assertProblem(await remove(venueId, owner, owner), 'last-owner');
    const second = await service.member(venueId, 'owner');
    assert.equal((await remove(venueId, owner, owner)).status, 204);
    assertProblem(await list(venueId, owner), 'not-found');
    assertProblem(await remove(venueId, second, second), 'last-owner');
  });

  it('keep one of two owners who take each other down at once', async () => {
    for (let round = 0; round < 20; round += 1) {
      const { owner, venueId } = await service.openLine();
      const second = await service.member(venueId, 'owner');
      const isRemoval = round % 2 === 0;
      const answers = await Promise.all(
        [
          [owner, second],
          [second, owner],
        ].map(([as = '', userId = '']) =>
          isRemoval ? remove(venueId, as, userId) : change(venueId, as, userId, 'host'),
        ),
      );
      assert.equal((await owners(venueId)).length, 1);
      const done = answers.filter(({ status }) => status < 300);
      assert.equal(done.length, 1);
      const other = answers.find(({ status }) => status >= 300);
      assert.ok(other !== undefined);
      // The other is an owner no more by then.
      assertProblem(other, isRemoval ? 'not-found' : 'forbidden');
    }
  });

  it('keep one of two owners who step down at once', async () => {
    for (let round = 0; round < 20; round += 1) {
      const { owner, venueId } = await service.openLine();
      const second = await service.member(venueId, 'owner');
      const answers = await Promise.all(
        [owner, second].map((as) => change(venueId, as, as, 'host')),
      );
      assert.deepEqual(
        answers.map(({ status }) => status).toSorted((one, other) => one - other),
        [200, 409],
      );
      assert.equal((await owners(venueId)).length, 1);
    }
  });

  it('leave no venue without an owner when one is deleted and the other steps down at once', async () => {
    for (let round = 0; round < 20; round += 1) {
      const { owner, venueId } = await service.openLine();
      const second = await service.member(venueId, 'owner');
      const event = makeEvent({
        id: newId(service.clock),
        source: '/user',
        type: 'user.deleted',
        subject: owner,
        time: service.clock.now().toISOString(),
        data: { userId: owner },
      });
      await Promise.all([
        onUserDeleted(service.deps)(event),
        change(venueId, second, second, 'host'),
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

  it('are nothing to another venue', async () => {
    const { owner, venueId } = await service.openLine();
    const host = await service.member(venueId, 'host');
    const other = await service.openLine();
    assertProblem(await list(venueId, other.owner), 'not-found');
    assertProblem(await change(venueId, other.owner, host, 'manager'), 'not-found');
    assertProblem(await remove(venueId, other.owner, host), 'not-found');
    assertProblem(await change(other.venueId, other.owner, host, 'manager'), 'not-found');
    assertProblem(await remove(other.venueId, other.owner, host), 'not-found');
    assertProblem(await change(newId(service.clock), owner, host, 'host'), 'not-found');
    assert.equal((await list(venueId, host)).body.data.length, 2);
  });

  it('take a role that there is', async () => {
    const { owner, venueId } = await service.openLine();
    for (const body of [{ role: 'chef' }, {}, { role: 'host', name: 'x' }]) {
      const answer = await service.call('PATCH', `/v1/venues/${venueId}/members/${owner}`, {
        as: owner,
        body,
      });
      assertProblem(answer, 'validation-failed');
    }
    const notAnId = await service.call('DELETE', `/v1/venues/${venueId}/members/me`, { as: owner });
    assertProblem(notAnId, 'not-found');
  });
});
