import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';
import { insertTask, tasksOf } from './testing.ts';

describe('retry task', () => {
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
  const retry = (taskId: string, as: string, key?: string) =>
    service.call('POST', `/v1/tasks/${taskId}/retry`, {
      as,
      ...(key === undefined ? {} : { key }),
    });

  it('schedules a failed task to run now and leaves others alone', async () => {
    const { venueId, manager } = await venue();
    const failed = { state: 'failed', attempts: 2, last_error: '550 No' } as const;
    const [one, other] = [
      await insertTask(service, venueId, { ...failed, kind: 'notify.called' }),
      await insertTask(service, venueId, failed),
    ];
    service.clock.advance(60);
    let woken = 0;
    service.deps.wakeDispatcher = () => {
      woken += 1;
    };
    const { status, body } = await retry(one, manager);
    assert.equal(status, 200);
    const now = service.clock.now().toISOString();
    assert.deepEqual(body, {
      id: one,
      kind: 'notify.called',
      partyId: null,
      state: 'scheduled',
      attempts: 2,
      lastError: '550 No',
      runAt: now,
      updatedAt: now,
    });
    assert.equal(woken, 1);
    const rows = await tasksOf(service, { venueId });
    const rowOf = (id: string) => rows.find((row) => row.id.equals(uuidToBytes(id)));
    assert.deepEqual(
      [rowOf(one)?.state, rowOf(one)?.attempts, rowOf(one)?.generation],
      ['scheduled', 2, 1],
    );
    assert.deepEqual([rowOf(other)?.state, rowOf(other)?.generation], ['failed', 0]);
  });

  for (const state of ['scheduled', 'running', 'done'] as const) {
    it(`returns 409 for a ${state} task`, async () => {
      const { venueId, manager } = await venue();
      const taskId = await insertTask(service, venueId, { state });
      assertProblem(await retry(taskId, manager), 'task-not-failed');
    });
  }

  it('schedules once for repeats and concurrent calls', async () => {
    const { venueId, manager } = await venue();
    const taskId = await insertTask(service, venueId, { state: 'failed' });
    const key = newId(service.clock);
    const answers = await Promise.all([1, 2, 3].map(() => retry(taskId, manager, key)));
    for (const answer of answers) {
      assert.equal(answer.status, 200);
      assert.deepEqual(answer.body, answers[0]?.body);
    }
    const [row] = await tasksOf(service, { venueId });
    assert.equal(row?.generation, 1);
    // Two managers at once: the second gets 409.
    const second = await insertTask(service, venueId, { state: 'failed' });
    const both = await Promise.all([retry(second, manager), retry(second, manager)]);
    assert.deepEqual(both.map(({ status }) => status).sort(), [200, 409]);
  });
});
