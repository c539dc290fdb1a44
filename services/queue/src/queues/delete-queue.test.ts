import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';

describe('delete queue', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  it('hides the queue from everyone and removes its guests', async () => {
    const { owner, venueId, queueId, joinCode } = await service.openLine();
    const { body: waiting } = await service.add(queueId, owner);
    const { body: called } = await service.add(queueId, owner);
    await service.move(called, 'call', owner);
    const { body: seated } = await service.add(queueId, owner);
    await service.move(seated, 'seat', owner);

    const { status, raw } = await service.call('DELETE', `/v1/queues/${queueId}`, { as: owner });
    assert.deepEqual([status, raw.length], [204, 0]);
    for (const [method, url] of [
      ['GET', `/v1/queues/${queueId}`],
      ['GET', `/v1/queues/${queueId}/parties`],
      ['GET', `/v1/queues/${queueId}/qr.svg`],
      ['GET', `/v1/parties/${waiting.id}`],
      ['PATCH', `/v1/parties/${waiting.id}`],
      ['POST', `/v1/parties/${waiting.id}/call`],
      ['POST', `/v1/queues/${queueId}/call-next`],
      ['POST', `/v1/queues/${queueId}/open`],
      ['POST', `/v1/queues/${queueId}/parties`],
      ['DELETE', `/v1/queues/${queueId}`],
      ['GET', `/v1/join/${joinCode}`],
    ] as const) {
      const answer = await service.call(method, url, {
        as: owner,
        ...(method === 'PATCH' ? { body: {} } : {}),
        ...(url.endsWith('/parties') && method === 'POST' ? { body: { name: 'Ana' } } : {}),
      });
      assertProblem(answer, 'not-found');
    }
    const assertTickets = async () => {
      const states = [];
      for (const { ticket } of [waiting, called, seated]) {
        const { body } = await service.call('GET', `/v1/tickets/${ticket}`);
        states.push(body.state);
        assert.equal(body.callExpiresAt, null);
        assertProblem(
          await service.call('POST', `/v1/tickets/${ticket}/leave`),
          'invalid-transition',
        );
      }
      assert.deepEqual(states, ['removed', 'removed', 'seated']);
      await service.assertSound(queueId);
    };
    // At once, and after the task.
    await assertTickets();
    await service.clearDeleted(venueId);
    await assertTickets();
    const { waiting: left, called: expected } = await service.rowOf(queueId);
    assert.deepEqual([left, expected], [0, 0]);
    const list = await service.call('GET', `/v1/venues/${venueId}/queues`, { as: owner });
    assert.deepEqual(list.body.data, []);
  });
});
