import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { bytesToUuid, newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';

describe('create API key', () => {
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
  const rowsOf = (venueId: string) =>
    service.db
      .selectFrom('api_keys')
      .selectAll()
      .where('venue_id', '=', uuidToBytes(venueId))
      .orderBy('id')
      .execute();

  it('returns the key once and stores only its hash', async () => {
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

  it('creates one key per idempotency key and returns it only the first time', async () => {
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

  it('returns 400 for an invalid body', async () => {
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
});
