import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { type QueueService, startQueueService } from '../testing.ts';

let service: QueueService;
before(async () => {
  service = await startQueueService();
});
after(() => service.stop());

it('removes every waiting party on closing, in the order of the line, each with its own event and reason', async () => {
  const { owner, queueId } = await service.openLine();
  // More than one statement takes.
  await service.fill(
    queueId,
    Array.from({ length: 230 }, (_, index) => ({
      name: `Guest ${index}`,
      state: index % 10 === 0 ? ('called' as const) : ('waiting' as const),
    })),
  );
  const waiting = await service.listAll(queueId, owner, '&state=waiting');
  const { seq } = await service.rowOf(queueId);

  const { status, body } = await service.call('POST', `/v1/queues/${queueId}/close`, {
    as: owner,
    body: { expireWaiting: true },
  });
  assert.deepEqual([status, body.waiting, body.called], [200, 0, 23]);
  await service.assertSound(queueId);
  const removed = await service.listAll(queueId, owner, '&state=removed');
  assert.equal(removed.length, 207);
  assert.ok(removed.every(({ endedAt }) => endedAt === service.clock.now().toISOString()));

  const events = (await service.eventsOf(queueId)).slice(seq);
  assert.equal(events.shift()?.type, 'queue.changed');
  assert.deepEqual(
    events.map(({ type, party_id }) => [type, party_id]),
    waiting.map(({ id }) => ['party.removed', uuidToBytes(id)]),
  );
  const reasons = await service.db
    .selectFrom('reasons')
    .selectAll()
    .where('queue_id', '=', uuidToBytes(queueId))
    .orderBy('seq')
    .execute();
  assert.deepEqual(
    reasons.map(({ seq, text }) => [seq, text]),
    events.map(({ seq }) => [seq, 'The queue closed']),
  );
});
