import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sliceSize } from '../../line/remove-slice.ts';
import { type QueueService, startQueueService } from '../../testing.ts';
import { dueTaskOf } from '../testing.ts';
import { queueClear } from './queue-clear.ts';

describe('queue.clear', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  /** A queue that is closed with more in it than one transaction removes. */
  async function closedLine(waiting = 2 * sliceSize + 10) {
    const line = await service.openLine();
    await service.fill(
      line.queueId,
      Array.from({ length: waiting }, (_, index) => ({ name: `Guest ${index}`, state: 'waiting' })),
    );
    const first = (await service.listAll(line.queueId, line.owner, '&state=waiting'))[0];
    const { status, body } = await close(line);
    assert.deepEqual(
      [status, body.state, body.waiting],
      [200, 'closed', Math.max(0, waiting - sliceSize)],
    );
    return { ...line, first };
  }
  const post = (queueId: string, action: string, as: string, body?: object) =>
    service.call('POST', `/v1/queues/${queueId}/${action}`, { as, body });
  const close = ({ queueId, owner }: { queueId: string; owner: string }) =>
    post(queueId, 'close', owner, { expireWaiting: true });
  const clear = async (venueId: string) =>
    queueClear.handle(service.deps, await dueTaskOf(service, { venueId, kind: 'queue.clear' }));

  it('removes everybody, also when it runs twice', async () => {
    const line = await closedLine();
    await Promise.all([clear(line.venueId), clear(line.venueId)]);
    await clear(line.venueId);
    assert.equal((await service.rowOf(line.queueId)).waiting, 0);
    const removed = (await service.eventsOf(line.queueId)).filter(
      ({ type }) => type === 'party.removed',
    );
    assert.equal(removed.length, 2 * sliceSize + 10);
    assert.equal(
      new Set(removed.map(({ party_id }) => party_id?.toString('hex'))).size,
      removed.length,
    );
    await service.assertSound(line.queueId);
  });

  it('spares who joins after the queue was opened again, and whose party was changed since', async () => {
    const line = await closedLine();
    await post(line.queueId, 'open', line.owner);
    await service.add(line.queueId, line.owner, { name: 'New guest' });
    const changed = await service.call('PATCH', `/v1/parties/${line.first?.id}`, {
      as: line.owner,
      body: { size: 3 },
    });
    assert.equal(changed.status, 200);
    await clear(line.venueId);
    const left = await service.listAll(line.queueId, line.owner, '&state=waiting');
    assert.deepEqual(
      left.map(({ name }) => name),
      ['Guest 0', 'New guest'],
    );
    await service.assertSound(line.queueId);
  });

  it('tells nobody that it is almost their turn', async () => {
    const line = await closedLine();
    await clear(line.venueId);
    const kinds = await service.db.selectFrom('tasks').select('kind').execute();
    assert.ok(!kinds.some(({ kind }) => kind === 'notify.almost-there'));
  });

  it('leaves a deleted queue to `queue.delete`', async () => {
    const line = await closedLine();
    await service.call('DELETE', `/v1/queues/${line.queueId}`, { as: line.owner });
    await clear(line.venueId);
    assert.equal((await service.rowOf(line.queueId)).waiting, sliceSize + 10);
    await service.assertSound(line.queueId);
  });

  it('is not needed for a line of one slice', async () => {
    const line = await closedLine(sliceSize);
    await assert.rejects(dueTaskOf(service, { venueId: line.venueId, kind: 'queue.clear' }));
  });
});
