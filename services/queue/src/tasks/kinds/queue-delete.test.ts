import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { until } from '@queue-manager/service-kit/testing';
import { sliceSize } from '../../line/remove-slice.ts';
import { type QueueService, startQueueService } from '../../testing.ts';
import { dueTaskOf, tasksOf, testDispatcher } from '../testing.ts';
import { queueDelete } from './queue-delete.ts';

describe('queue.delete', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const count = 2 * sliceSize + 10;
  /** A queue that was deleted with more parties in its line than one transaction removes. */
  async function deletedLine() {
    const line = await service.openLine();
    await service.fill(
      line.queueId,
      Array.from({ length: count }, (_, index) => ({
        name: `Guest ${index}`,
        state: index < 20 ? ('called' as const) : ('waiting' as const),
      })),
    );
    const { status } = await service.call('DELETE', `/v1/queues/${line.queueId}`, {
      as: line.owner,
    });
    assert.equal(status, 204);
    const { waiting, called } = await service.rowOf(line.queueId);
    assert.deepEqual([waiting, called], [count - 20, 20]);
    const task = await dueTaskOf(service, { venueId: line.venueId, kind: 'queue.delete' });
    return { ...line, task };
  }

  it('removes each party once, also when it runs twice and after an interruption', async () => {
    const { queueId, owner, task } = await deletedLine();
    let slices = 0;
    const { feed } = service.deps;
    const interrupted = {
      ...service.deps,
      feed: {
        committed: (...args: Parameters<typeof feed.committed>) => {
          slices += 1;
          if (slices === 2) throw new Error('killed');
          return feed.committed(...args);
        },
      },
    };
    await assert.rejects(queueDelete.handle(interrupted, task), /killed/);
    const { waiting, called } = await service.rowOf(queueId);
    assert.deepEqual([waiting, called], [0, 20]);
    const run = () => queueDelete.handle(service.deps, task);
    await Promise.all([run(), run()]);
    await run();

    const row = await service.rowOf(queueId);
    assert.deepEqual([row.waiting, row.called], [0, 0]);
    const removed = (await service.eventsOf(queueId)).filter(
      ({ type }) => type === 'party.removed',
    );
    assert.equal(removed.length, count);
    assert.equal(new Set(removed.map(({ party_id }) => party_id?.toString('hex'))).size, count);
    assert.deepEqual(JSON.parse(removed.at(0)?.data as string).actor, {
      kind: 'staff',
      userId: owner,
    });
    await service.assertSound(queueId);
  });

  it('tells guests of the removal, and sends none of the mails that were due before', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    const { body: party } = await service.add(queueId, owner, { email: 'ana@example.com' });
    await service.call('DELETE', `/v1/queues/${queueId}`, { as: owner });
    const sent: string[] = [];
    const dispatcher = testDispatcher(service, {
      async publish(events) {
        for (const event of events) {
          if (event.type === 'mail.requested') sent.push(event.data.content.template);
        }
        return { failed: new Map(), unanswered: new Map() };
      },
    });
    dispatcher.start();
    try {
      await until('the mail is handed out', async () => {
        const kinds = await tasksOf(service, { partyId: party.id });
        return kinds.every(({ state }) => state !== 'scheduled');
      });
      assert.deepEqual(sent, []);
      await service.clearDeleted(venueId);
      dispatcher.wake();
      await until('a mail is sent', () => sent.length > 0);
    } finally {
      await dispatcher.stop();
    }
    assert.deepEqual(sent, ['party-removed']);
  });

  it('is not needed for an empty line', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    await service.call('DELETE', `/v1/queues/${queueId}`, { as: owner });
    assert.deepEqual(await tasksOf(service, { venueId, kind: 'queue.delete' }), []);
  });
});
