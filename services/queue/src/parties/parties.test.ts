import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Party } from '@queue-manager/contracts/parties';
import { newId } from '@queue-manager/service-kit/ids';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';

describe('parties', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const get = (partyId: string, as: string) =>
    service.call('GET', `/v1/parties/${partyId}`, { as });
  const list = (queueId: string, as: string, query = '') =>
    service.call('GET', `/v1/queues/${queueId}/parties${query}`, { as });

  it('are added, listed and called without positions while the position service is unavailable', async () => {
    const { owner, queueId, joinCode } = await service.openLine();
    const { body: before } = await service.add(queueId, owner);
    service.positionApp.state.isUnavailable = true;
    try {
      const added = await service.add(queueId, owner);
      assert.equal(added.status, 201);
      const { position, estimate, quoted, number } = added.body;
      assert.deepEqual(
        { position, estimate, quoted, number },
        { position: null, estimate: null, quoted: null, number: 2 },
      );
      const joined = await service.join(joinCode);
      assert.equal(joined.status, 201);
      assert.deepEqual([joined.body.position, joined.body.estimate], [null, null]);

      const read = await get(before.id, owner);
      assert.deepEqual(read.body, { ...before, position: null, estimate: null });
      const { body: page } = await list(queueId, owner);
      assert.equal(page.data.length, 3);
      assert.ok(page.data.every((party: Party) => party.position === null));
      const called = await service.call('POST', `/v1/queues/${queueId}/call-next`, { as: owner });
      assert.equal(called.body.id, before.id);
      const joinPage = await service.call('GET', `/v1/join/${joinCode}`);
      assert.deepEqual([joinPage.status, joinPage.body.estimate], [200, null]);
      assert.equal(joinPage.body.waiting, 2);
    } finally {
      service.positionApp.state.isUnavailable = false;
    }
  });

  it('are not found by people who are not members of the venue', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    const { body: party } = await service.add(queueId, owner);
    const host = await service.member(venueId, 'host');
    const stranger = (await service.openLine()).owner;
    for (const [method, url, body] of [
      ['GET', `/v1/queues/${queueId}/parties`],
      ['POST', `/v1/queues/${queueId}/parties`, { name: 'Ana' }],
      ['POST', `/v1/queues/${queueId}/call-next`],
      ['GET', `/v1/parties/${party.id}`],
      ['PATCH', `/v1/parties/${party.id}`, { size: 2 }],
      ['POST', `/v1/parties/${party.id}/call`],
      ['POST', `/v1/parties/${party.id}/no-show`],
      ['POST', `/v1/parties/${party.id}/seat`],
      ['POST', `/v1/parties/${party.id}/remove`],
    ] as const) {
      assertProblem(await service.call(method, url, { body }), 'unauthenticated');
      assertProblem(await service.call(method, url, { as: stranger, body }), 'not-found');
      const unknown = url
        .replace(party.id, newId(service.clock))
        .replace(queueId, newId(service.clock));
      assertProblem(await service.call(method, unknown, { as: owner, body }), 'not-found');
    }
    assert.deepEqual((await get(party.id, owner)).body, party);
    assert.equal((await get(party.id, host)).status, 200);
    await service.assertSound(queueId);
  });
});
