import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createHousekeeping } from '../housekeeping.ts';
import { type QueueService, startQueueService } from '../testing.ts';
import { insertTask, tasksOf } from './testing.ts';

describe('sweep tasks', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  async function venue() {
    const line = await service.openLine();
    return {
      ...line,
      manager: await service.member(line.venueId, 'manager'),
      host: await service.member(line.venueId, 'host'),
    };
  }

  it('deletes tasks 30 days after they were done or skipped, and no others', async () => {
    const { venueId } = await venue();
    const housekeeping = createHousekeeping(service.deps);
    // Housekeeping itself schedules tasks of another kind.
    const kind = 'call.expire';
    const old = { kind, run_at: service.clock.now() };
    for (const state of ['done', 'skipped', 'failed', 'scheduled'] as const) {
      await insertTask(service, venueId, { ...old, state });
    }
    service.clock.advance(30 * 86_400 - 1);
    await housekeeping.sweep();
    assert.equal((await tasksOf(service, { venueId, kind })).length, 4);
    service.clock.advance(1);
    await insertTask(service, venueId, { kind, state: 'done' });
    await housekeeping.sweep();
    const left = (await tasksOf(service, { venueId, kind })).map(({ state }) => state);
    assert.deepEqual(left.sort(), ['done', 'failed', 'scheduled']);
  });
});
