import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type QueueService, startQueueService } from '../testing.ts';

describe('update queue', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const get = (queueId: string, as: string) => service.call('GET', `/v1/queues/${queueId}`, { as });

  it('changes only the given fields, with an event only when something changed', async () => {
    const { owner, queueId } = await service.openLine();
    const { body: before } = await get(queueId, owner);
    const patch = (body: object) =>
      service.call('PATCH', `/v1/queues/${queueId}`, { as: owner, body });
    const changes = {
      name: 'Tables inside',
      text: 'Welcome',
      endMessage: 'Bye',
      maxWaiting: 5,
      maxPartySize: 4,
      callGraceSeconds: 60,
      selfJoin: false,
      boardLabels: 'name',
    };
    const { status, body } = await patch(changes);
    assert.equal(status, 200);
    assert.deepEqual(body, { ...before, ...changes });
    assert.deepEqual((await get(queueId, owner)).body, body);
    const events = await service.eventsOf(queueId);
    assert.equal(events.length, 2);
    assert.deepEqual(JSON.parse(events[1]?.data as string).queue, {
      seq: 2,
      name: 'Tables inside',
      state: 'open',
      boardLabels: 'name',
      deleted: false,
    });

    for (const same of [{}, changes, { name: 'Tables inside' }]) {
      const answer = await patch(same);
      assert.deepEqual([answer.status, answer.body], [200, body]);
    }
    assert.equal((await service.eventsOf(queueId)).length, 2);

    const cleared = await patch({ text: null, endMessage: null, maxWaiting: null });
    assert.deepEqual(cleared.body, { ...body, text: null, endMessage: null, maxWaiting: null });
    await service.assertSound(queueId);
  });
});
