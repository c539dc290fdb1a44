import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Role } from '@queue-manager/contracts/venues';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';

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

  it('are updated and removed by owners only', async () => {
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
    assert.equal((await change(venueId, host, host, 'owner')).status, 200, 'the same role again');
    assert.equal((await remove(venueId, host, manager)).status, 204);
    assertProblem(await list(venueId, manager), 'not-found');
    assertProblem(await remove(venueId, host, manager), 'not-found');
    assertProblem(await change(venueId, host, manager, 'host'), 'not-found');
    assert.deepEqual(
      (await list(venueId, host)).body.data.map(({ userId }: { userId: string }) => userId),
      [owner, host].toSorted(),
    );
  });

  it('cannot lose their last owner', async () => {
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

  it('keep one of two owners who demote or remove each other concurrently', async () => {
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
      // The other is not an owner any more.
      assertProblem(other, isRemoval ? 'not-found' : 'forbidden');
    }
  });

  it('keep one of two owners who step down concurrently', async () => {
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

  it('return 404 to other venues', async () => {
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

  it('return 400 for an unknown role and 404 for a malformed id', async () => {
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
