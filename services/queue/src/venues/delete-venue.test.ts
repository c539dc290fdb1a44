import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';

describe('delete venue', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  it('deletes the queues, the members and the guests’ personal data', async () => {
    const { owner, venueId, queueId, joinCode } = await service.openLine();
    const { body: other } = await service.call('POST', `/v1/venues/${venueId}/queues`, {
      as: owner,
      body: { name: 'Bar' },
    });
    const { body: gone } = await service.call('POST', `/v1/venues/${venueId}/queues`, {
      as: owner,
      body: { name: 'Terrace' },
    });
    const { body: early } = await service.add(gone.id, owner, { email: 'early@example.com' });
    await service.call('DELETE', `/v1/queues/${gone.id}`, { as: owner });
    const { body: party } = await service.add(queueId, owner, { email: 'ana@example.com' });
    await service.add(other.id, owner);
    const { body: guest } = await service.join(joinCode, { phone: '+351 912 345 678' });
    const elsewhere = await service.openLine();
    await service.add(elsewhere.queueId, elsewhere.owner);

    const deleted = await service.call('DELETE', `/v1/venues/${venueId}`, { as: owner });
    assert.deepEqual([deleted.status, deleted.raw.length], [204, 0]);

    for (const [method, url] of [
      ['GET', `/v1/venues/${venueId}`],
      ['DELETE', `/v1/venues/${venueId}`],
      ['GET', `/v1/venues/${venueId}/queues`],
      ['GET', `/v1/queues/${queueId}`],
      ['GET', `/v1/queues/${queueId}/parties`],
      ['GET', `/v1/parties/${party.id}`],
      ['POST', `/v1/parties/${party.id}/call`],
      ['POST', `/v1/queues/${queueId}/call-next`],
      ['GET', `/v1/join/${joinCode}`],
    ] as const) {
      assertProblem(await service.call(method, url, { as: owner }), 'not-found');
    }
    assertProblem(await service.join(joinCode), 'not-found');
    assert.deepEqual((await service.call('GET', '/v1/venues', { as: owner })).body.data, []);

    await service.eraseDeleted(venueId);
    const personal = await service.db
      .selectFrom('personal')
      .select('queue_id')
      .where('queue_id', 'in', [queueId, other.id, gone.id, elsewhere.queueId].map(uuidToBytes))
      .execute();
    assert.deepEqual(
      personal.map(({ queue_id }) => queue_id),
      [uuidToBytes(elsewhere.queueId)],
    );

    // A ticket still shows its own final state, without a name.
    for (const { ticket } of [guest, party, early]) {
      const answer = await service.call('GET', `/v1/tickets/${ticket}`);
      assert.equal(answer.status, 200);
      assert.deepEqual([answer.body.state, answer.body.name], ['removed', null]);
      assertProblem(
        await service.call('POST', `/v1/tickets/${ticket}/leave`),
        'invalid-transition',
      );
    }
    for (const id of [queueId, other.id]) {
      const events = await service.eventsOf(id);
      const deletion = events.find(({ type, data }) => {
        return type === 'queue.changed' && JSON.parse(data as string).queue.deleted;
      });
      assert.equal(deletion?.time.toISOString(), service.clock.now().toISOString());
      const removals = events.slice(deletion?.seq);
      assert.ok(removals.length > 0 && removals.every(({ type }) => type === 'party.removed'));
    }
  });

  it('deletes once while its queues are created, deleted and joined concurrently', async () => {
    const { owner, venueId, queueId, joinCode } = await service.openLine();
    const answers = await Promise.all([
      ...Array.from({ length: 5 }, () => service.join(joinCode)),
      service.call('DELETE', `/v1/venues/${venueId}`, { as: owner }),
      service.call('DELETE', `/v1/venues/${venueId}`, { as: owner }),
      service.call('DELETE', `/v1/queues/${queueId}`, { as: owner }),
      ...Array.from({ length: 5 }, () =>
        service.call('POST', `/v1/venues/${venueId}/queues`, { as: owner, body: { name: 'Bar' } }),
      ),
      ...Array.from({ length: 5 }, () => service.join(joinCode)),
    ]);
    for (const { status } of answers) assert.ok([201, 204, 404].includes(status), `${status}`);
    const open = await service.db
      .selectFrom('queues')
      .select('id')
      .where('venue_id', '=', uuidToBytes(venueId))
      .where('deleted_at', 'is', null)
      .execute();
    assert.deepEqual(open, []);
    await service.eraseDeleted(venueId);
    const personal = await service.db
      .selectFrom('personal')
      .select('party_id')
      .where('queue_id', '=', uuidToBytes(queueId))
      .execute();
    assert.deepEqual(personal, []);
  });
});
