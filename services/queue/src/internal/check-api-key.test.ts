import assert from 'node:assert/strict';
import { hash, randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { credentialHeader } from '@queue-manager/service-kit/internal-credential';
import { testCredential } from '@queue-manager/service-kit/testing';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';

describe('check API key', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  it('returns the venue of a key, and 404 for one that is wrong or deleted', async () => {
    const { owner, venueId } = await service.openLine();
    const keys = `/v1/venues/${venueId}/api-keys`;
    const { body: made } = await service.call('POST', keys, { as: owner, body: { name: 'Till' } });
    const secret = Buffer.from(made.key.slice(3), 'base64url').subarray(16);
    const secretHash = hash('sha256', secret, 'hex');
    const check = (body: { keyId: string; secretHash: string }, credential = testCredential) =>
      service.call('POST', '/internal/api-keys/check', {
        body,
        headers: { [credentialHeader]: credential },
      });
    const found = await check({ keyId: made.id, secretHash });
    assert.deepEqual([found.status, found.body], [200, { venueId }]);
    assertProblem(await check({ keyId: made.id, secretHash }, 'x'), 'unauthenticated');
    assertProblem(await check({ keyId: made.id, secretHash: 'a'.repeat(64) }), 'not-found');
    assertProblem(await check({ keyId: randomUUID(), secretHash }), 'not-found');
    await service.call('DELETE', `${keys}/${made.id}`, { as: owner });
    assertProblem(await check({ keyId: made.id, secretHash }), 'not-found');
  });
});
