import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { limits } from '@queue-manager/contracts/values';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';

describe('API keys', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const make = (venueId: string, as: string, name = 'Till', key?: string) =>
    service.call('POST', `/v1/venues/${venueId}/api-keys`, {
      as,
      body: { name },
      ...(key === undefined ? {} : { key }),
    });
  const list = (venueId: string, as: string, query = '') =>
    service.call('GET', `/v1/venues/${venueId}/api-keys${query}`, { as });
  const remove = (venueId: string, as: string, id: string) =>
    service.call('DELETE', `/v1/venues/${venueId}/api-keys/${id}`, { as });
  const rowsOf = (venueId: string) =>
    service.db
      .selectFrom('api_keys')
      .selectAll()
      .where('venue_id', '=', uuidToBytes(venueId))
      .orderBy('id')
      .execute();

  it('are managed by the venue’s managers only', async () => {
    const { owner, venueId } = await service.openLine();
    const other = await service.openLine();
    const manager = await service.member(venueId, 'manager');
    const host = await service.member(venueId, 'host');
    const { body } = await make(venueId, manager);
    assertProblem(await make(venueId, host), 'forbidden');
    assertProblem(await list(venueId, host), 'forbidden');
    assertProblem(await remove(venueId, host, body.id), 'forbidden');
    assertProblem(await make(venueId, other.owner), 'not-found');
    assertProblem(await list(venueId, other.owner), 'not-found');
    assertProblem(await remove(venueId, other.owner, body.id), 'not-found');
    assertProblem(await remove(other.venueId, other.owner, body.id), 'not-found');
    assert.equal((await rowsOf(venueId)).length, 1);
    // A key outlives the membership of its creator.
    await service.db.deleteFrom('members').where('user_id', '=', uuidToBytes(manager)).execute();
    const { key: _, ...shown } = body;
    assert.equal(shown.createdBy, manager);
    assert.deepEqual((await list(venueId, owner)).body.data, [shown]);
    assert.equal((await remove(venueId, owner, body.id)).status, 204);
    assertProblem(await remove(venueId, owner, body.id), 'not-found');
    assert.deepEqual(await rowsOf(venueId), []);
  });

  it('are limited per venue under concurrent calls, and listed page by page', async () => {
    const { owner, venueId } = await service.openLine();
    const answers = await Promise.all(
      Array.from({ length: limits.apiKeysMax + 5 }, () => make(venueId, owner)),
    );
    for (const answer of answers)
      if (answer.status !== 201) assertProblem(answer, 'too-many-api-keys');
    const rows = await rowsOf(venueId);
    assert.equal(rows.length, limits.apiKeysMax);
    const seen: string[] = [];
    let cursor = '';
    for (;;) {
      const { body } = await list(venueId, owner, `?limit=20${cursor}`);
      seen.push(...body.data.map(({ id }: { id: string }) => id));
      if (body.nextCursor === null) break;
      cursor = `&cursor=${body.nextCursor}`;
    }
    assert.deepEqual(
      seen,
      rows.map(({ id }) => bytesToUuid(id)),
    );
    assertProblem(await list(venueId, owner, '?cursor=x'), 'validation-failed');
  });

  it('are deleted with the venue', async () => {
    const { owner, venueId } = await service.openLine();
    await make(venueId, owner);
    await service.call('DELETE', `/v1/venues/${venueId}`, { as: owner });
    assert.deepEqual(await rowsOf(venueId), []);
  });
});
