import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { limits } from '@queue-manager/contracts/values';
import { bytesToUuid, newId, uuidToBytes } from '@queue-manager/service-kit/ids';
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

  it('are shown once, and only their hash is kept', async () => {
    const { owner, venueId } = await service.openLine();
    const { status, body, headers } = await make(venueId, owner);
    assert.equal(status, 201);
    assert.equal(headers['cache-control'], 'no-store');
    const { key, ...shown } = body;
    assert.deepEqual(shown, {
      id: body.id,
      name: 'Till',
      createdBy: owner,
      createdAt: service.clock.now().toISOString(),
    });
    assert.match(key, /^qm_[A-Za-z0-9_-]{64}$/);
    const bytes = Buffer.from(key.slice(3), 'base64url');
    assert.equal(bytesToUuid(bytes.subarray(0, 16)), body.id);
    const [row] = await rowsOf(venueId);
    assert.deepEqual(row?.secret_hash, createHash('sha256').update(bytes.subarray(16)).digest());
    assert.deepEqual(bytesToUuid(row?.created_by ?? Buffer.alloc(16)), owner);
    assert.deepEqual((await list(venueId, owner)).body, { data: [shown], nextCursor: null });
    const { body: second } = await make(venueId, owner);
    assert.notEqual(second.key.slice(-43), key.slice(-43));
  });

  it('are made once for each idempotency key, and shown the first time only', async () => {
    const { owner, venueId } = await service.openLine();
    const key = newId(service.clock);
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => make(venueId, owner, 'Pagers', key)),
    );
    for (const { status } of answers) assert.equal(status, 201);
    const secrets = answers.flatMap(({ body }) => body.key ?? []);
    assert.equal(secrets.length, 1);
    const again = await make(venueId, owner, 'Pagers', key);
    assert.equal(again.status, 201);
    assert.deepEqual(Object.keys(again.body).toSorted(), ['createdAt', 'createdBy', 'id', 'name']);
    assert.equal((await rowsOf(venueId)).length, 1);
    const kept = await service.db.selectFrom('idempotency_keys').select('answer').execute();
    assert.ok(kept.length > 0);
    for (const { answer } of kept) assert.doesNotMatch(answer ?? '', /qm_/);
    assertProblem(await make(venueId, owner, 'Till', key), 'idempotency-key-reused');
  });

  it('are for managers, of their own venue', async () => {
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
    // Who works here sees whose keys there are, also of those who have gone.
    await service.db.deleteFrom('members').where('user_id', '=', uuidToBytes(manager)).execute();
    const { key: _, ...shown } = body;
    assert.equal(shown.createdBy, manager);
    assert.deepEqual((await list(venueId, owner)).body.data, [shown]);
    assert.equal((await remove(venueId, owner, body.id)).status, 204);
    assertProblem(await remove(venueId, owner, body.id), 'not-found');
    assert.deepEqual(await rowsOf(venueId), []);
  });

  it('come by pages, and a venue has so many at most, also when many are made at once', async () => {
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

  it('are refused where they are not valid', async () => {
    const { owner, venueId } = await service.openLine();
    for (const body of [{}, { name: ' ' }, { name: 'x'.repeat(81) }, { name: 'x', key: 'mine' }]) {
      const answer = await service.call('POST', `/v1/venues/${venueId}/api-keys`, {
        as: owner,
        body,
      });
      assertProblem(answer, 'validation-failed');
    }
    assert.deepEqual(await rowsOf(venueId), []);
  });

  it('go with their venue', async () => {
    const { owner, venueId } = await service.openLine();
    await make(venueId, owner);
    await service.call('DELETE', `/v1/venues/${venueId}`, { as: owner });
    assert.deepEqual(await rowsOf(venueId), []);
  });
});
