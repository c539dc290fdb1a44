import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { EventOf } from '@queue-manager/contracts/events';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { toEvent } from '../line/line-event.ts';
import { insertTask } from '../tasks/testing.ts';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';
import { onVenueDeleted } from './on-venue-deleted.ts';

describe('venue.deleted', () => {
  let service: QueueService;

  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  it('is published on deletion and erases all personal data, once or repeatedly', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    const other = await service.openLine();
    for (const line of [{ owner, queueId, venueId }, other]) {
      const { body: party } = await service.add(line.queueId, line.owner, {
        email: 'ana@example.com',
      });
      await service.move(party, 'remove', line.owner, undefined, { reason: 'Ana shouted' });
      await service.call('POST', `/v1/venues/${line.venueId}/occupancy`, {
        as: line.owner,
        body: { delta: 1, reason: 'Friends of Ana' },
      });
      await insertTask(service, line.venueId, { state: 'failed', last_error: '550 No' });
    }
    await service.fill(
      queueId,
      Array.from({ length: 1_100 }, (_, index) => ({ name: `Guest ${index}`, state: 'waiting' })),
    );
    const traces = async (line: { venueId: string; queueId: string }) => {
      const [venue, queue] = [uuidToBytes(line.venueId), uuidToBytes(line.queueId)];
      const { db } = service;
      const counts = await Promise.all([
        db.selectFrom('personal').select('queue_id').where('queue_id', '=', queue).execute(),
        db.selectFrom('reasons').select('queue_id').where('queue_id', '=', queue).execute(),
        db
          .selectFrom('occupancy_changes')
          .select('reason')
          .where('venue_id', '=', venue)
          .where('reason', 'is not', null)
          .execute(),
        db
          .selectFrom('tasks')
          .select('state')
          .where('venue_id', '=', venue)
          .where('state', '!=', 'scheduled')
          .execute(),
        db.selectFrom('members').select('role').where('venue_id', '=', venue).execute(),
      ]);
      return counts.map(({ length }) => length);
    };
    assert.deepEqual(await traces({ venueId, queueId }), [1_101, 1, 1, 1, 1]);

    const { status } = await service.call('DELETE', `/v1/venues/${venueId}`, { as: owner });
    assert.equal(status, 204);
    assertProblem(await service.call('GET', `/v1/venues/${venueId}`, { as: owner }), 'not-found');
    const [row, ...others] = await service.eventsOf(venueId);
    assert.deepEqual(
      others.map(({ type }) => type),
      ['occupancy.changed'],
    );
    assert.deepEqual([row?.type, JSON.parse(row?.data ?? '{}')], ['venue.deleted', { venueId }]);
    assert.deepEqual(
      [row?.seq, row?.relay_at],
      [1, new Date(service.clock.now().getTime() + 5_000)],
    );

    await Promise.all([service.eraseDeleted(venueId), service.eraseDeleted(venueId)]);
    assert.deepEqual(await traces({ venueId, queueId }), [0, 0, 0, 0, 0]);
    await service.eraseDeleted(venueId);
    assert.deepEqual(await traces(other), [1, 1, 1, 1, 1]);
  });

  it('waits until the guests in line are told', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    await service.add(queueId, owner, { email: 'ana@example.com' });
    await service.call('DELETE', `/v1/venues/${venueId}`, { as: owner });
    const [row] = await service.eventsOf(venueId);
    let isErased = false;
    const erasing = onVenueDeleted(service.deps)(
      toEvent(row as NonNullable<typeof row>) as EventOf<'venue.deleted'>,
    ).then(() => {
      isErased = true;
    });
    const { db } = service;
    const tasks = db.deleteFrom('tasks').where('venue_id', '=', uuidToBytes(venueId));
    const assertWaits = async () => {
      const personal = await db
        .selectFrom('personal')
        .select('name')
        .where('queue_id', '=', uuidToBytes(queueId))
        .execute();
      assert.deepEqual([isErased, personal.length], [false, 1]);
    };
    await assertWaits();
    await service.clearDeleted(venueId);
    await tasks.where('kind', '=', 'queue.delete').execute();
    await assertWaits();
    await tasks.where('kind', '=', 'notify.removed').execute();
    await erasing;
  });
});
