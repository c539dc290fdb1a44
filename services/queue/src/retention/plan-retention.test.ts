import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { createHousekeeping } from '../housekeeping.ts';
import { retentionErase } from '../tasks/kinds/retention-erase.ts';
import { tasksOf } from '../tasks/testing.ts';
import { type QueueService, startQueueService } from '../testing.ts';
import { planRetention } from './plan-retention.ts';

const day = 86_400;

describe('plan retention', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const run = (venueId: string) =>
    retentionErase.handle(service.deps, {
      task: { venueId, taskId: newId(service.clock), attempt: 1 },
      kind: retentionErase.kind,
      queueId: null,
      partyId: null,
      payload: {},
    });
  const planned = async (venueId: string) =>
    (await tasksOf(service, { venueId, kind: retentionErase.kind })).length;

  it('schedules the task a day after the venue was created, then daily, once across instances', async () => {
    const { venueId } = await service.openLine();
    const sweeps = () =>
      Promise.all(Array.from({ length: 5 }, () => createHousekeeping(service.deps).sweep()));
    service.clock.advance(day - 1);
    await sweeps();
    assert.equal(await planned(venueId), 0);
    service.clock.advance(1);
    await sweeps();
    assert.equal(await planned(venueId), 1);
    const [task] = await tasksOf(service, { venueId, kind: retentionErase.kind });
    assert.deepEqual(
      [task?.state, task?.run_at, task?.queue_id, task?.party_id, task?.payload],
      ['scheduled', service.clock.now(), null, null, '{}'],
    );
    for (const [state, count] of [
      ['scheduled', 1],
      ['running', 2],
      ['failed', 3],
      ['done', 4],
    ] as const) {
      await service.db
        .updateTable('tasks')
        .set({ state })
        .where('venue_id', '=', uuidToBytes(venueId))
        .execute();
      service.clock.advance(day);
      await sweeps();
      assert.equal(await planned(venueId), count, state);
      await sweeps();
      assert.equal(await planned(venueId), count, state);
    }
  });

  it('runs although an earlier chore of housekeeping fails', async () => {
    const { venueId } = await service.openLine();
    service.clock.advance(day);
    const db = new Proxy(service.db, {
      get(target, property) {
        if (property === 'deleteFrom') throw new Error('cannot be swept');
        const value = Reflect.get(target, property, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    await createHousekeeping({ ...service.deps, db }).sweep();
    assert.equal(await planned(venueId), 1);
  });

  it('runs at once when the retention days get shorter, not when longer', async () => {
    const { owner, venueId } = await service.openLine();
    const patch = (body: object) =>
      service.call('PATCH', `/v1/venues/${venueId}`, { as: owner, body });
    for (const body of [{ retentionDays: 40 }, { retentionDays: 40 }, { name: 'Casa' }]) {
      assert.equal((await patch(body)).status, 200);
      while ((await planRetention(service.deps)) > 0);
      assert.equal(await planned(venueId), 0);
    }
    assert.equal((await patch({ retentionDays: 39 })).body.retentionDays, 39);
    while ((await planRetention(service.deps)) > 0);
    assert.equal(await planned(venueId), 1);
  });

  it('skips deleted venues', async () => {
    const { owner, venueId } = await service.openLine();
    await service.call('DELETE', `/v1/venues/${venueId}`, { as: owner });
    service.clock.advance(day);
    while ((await planRetention(service.deps)) > 0);
    assert.equal(await planned(venueId), 0);
    await run(venueId);
  });
});
