import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { type QueueService, startQueueService } from './testing.ts';

describe('a line', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const add = (queueId: string, owner: string, body: object = {}, key?: string) =>
    service.call('POST', `/v1/queues/${queueId}/parties`, {
      as: owner,
      body: { name: 'Ana Lima', ...body },
      ...(key === undefined ? {} : { key }),
    });

  async function eventsOf(queueId: string) {
    return service.db
      .selectFrom('events')
      .selectAll()
      .where('queue_id', '=', uuidToBytes(queueId))
      .orderBy('seq')
      .execute();
  }

  it('takes parties in order, with gap-free sequence numbers and one outbox pointer an event', async () => {
    const { owner, queueId } = await service.openLine();
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => add(queueId, owner, { name: `Guest ${index}` })),
    );
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
    const numbers = answers.map(({ body }) => body.number).sort((a, b) => a - b);
    assert.deepEqual(
      numbers,
      Array.from({ length: 40 }, (_, index) => index + 1),
    );
    assert.deepEqual(
      answers.map(({ body }) => body.position).sort((a, b) => a - b),
      numbers,
    );

    const events = await eventsOf(queueId);
    assert.deepEqual(
      events.map(({ seq }) => seq),
      Array.from({ length: 41 }, (_, index) => index + 1),
    );
    const pointers = await service.db
      .selectFrom('outbox')
      .select('seq')
      .where('queue_id', '=', uuidToBytes(queueId))
      .execute();
    assert.equal(pointers.length, 41);

    const { body: list } = await service.call('GET', `/v1/queues/${queueId}/parties?limit=100`, {
      as: owner,
    });
    assert.deepEqual(
      list.data.map((party: { number: number }) => party.number),
      numbers,
    );
    const { body: queue } = await service.call('GET', `/v1/queues/${queueId}`, { as: owner });
    assert.equal(queue.waiting, 40);
  });
});
