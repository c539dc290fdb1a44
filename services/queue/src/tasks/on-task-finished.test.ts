import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { makeEvent, type TaskRef } from '@queue-manager/contracts/events';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { openDatabase } from '../db/database.ts';
import type { TaskRow } from '../db/tables.ts';
import { type QueueService, startQueueService } from '../testing.ts';
import { onTaskFinished } from './on-task-finished.ts';
import { insertTask, refOf } from './testing.ts';

describe('task.finished', () => {
  let service: QueueService;
  let venueId: string;
  let finish: ReturnType<typeof onTaskFinished>;

  before(async () => {
    service = await startQueueService();
    ({ venueId } = await service.openLine());
    finish = onTaskFinished(service.deps);
  });
  after(() => service.stop());

  const result = (task: TaskRef, error: string | null = null) =>
    makeEvent({
      id: newId(service.clock),
      source: '/mailer',
      type: 'task.finished',
      subject: task.taskId,
      time: service.clock.now().toISOString(),
      data: { task, outcome: error === null ? 'done' : 'failed', error },
    });
  const running = (attempts = 1) =>
    insertTask(service, venueId, {
      state: 'running',
      attempts,
      lease_until: service.clock.now(),
    });
  const rowOf = (id: string): Promise<TaskRow> =>
    service.db
      .selectFrom('tasks')
      .selectAll()
      .where('id', '=', uuidToBytes(id))
      .executeTakeFirstOrThrow();

  it('records the outcome and the error', async () => {
    const [good, bad] = [await running(), await running()];
    service.clock.advance(5);
    await Promise.all([
      finish(result(refOf(venueId, good))),
      finish(result(refOf(venueId, bad), '550 No such mailbox')),
    ]);
    const [done, failed] = [await rowOf(good), await rowOf(bad)];
    assert.deepEqual([done.state, done.last_error, done.lease_until], ['done', null, null]);
    assert.deepEqual(done.updated_at, service.clock.now());
    assert.deepEqual([failed.state, failed.last_error], ['failed', '550 No such mailbox']);
  });

  it('ignores repeated, late and out-of-order results', async () => {
    const id = await running(2);
    await finish(result(refOf(venueId, id, 1), 'of the first time'));
    assert.equal((await rowOf(id)).state, 'running');
    await finish(result(refOf(venueId, id, 2)));
    const done = await rowOf(id);
    assert.equal(done.state, 'done');
    service.clock.advance(1);
    await finish(result(refOf(venueId, id, 2), 'a moment later'));
    await finish(result(refOf(venueId, id, 2)));
    await finish(result(refOf(venueId, id, 1), 'of the first time'));
    assert.deepEqual(await rowOf(id), done);
  });

  it('accepts success after failure, when an operator redrove the dead letter', async () => {
    const id = await running();
    await finish(result(refOf(venueId, id), '451 Later'));
    await finish(result(refOf(venueId, id)));
    assert.deepEqual([(await rowOf(id)).state, (await rowOf(id)).last_error], ['done', null]);
  });

  it('records a skipped task, and success after it when the message was delivered twice', async () => {
    const id = await running();
    const skipped = result(refOf(venueId, id));
    Object.assign(skipped.data, { outcome: 'skipped', error: 'too many mails' });
    await finish(skipped);
    assert.deepEqual(
      [(await rowOf(id)).state, (await rowOf(id)).last_error],
      ['skipped', 'too many mails'],
    );
    await finish(result(refOf(venueId, id), '550 No such mailbox'));
    assert.equal((await rowOf(id)).state, 'skipped');
    await finish(result(refOf(venueId, id)));
    assert.deepEqual([(await rowOf(id)).state, (await rowOf(id)).last_error], ['done', null]);
  });

  it('ignores results of a run before a retry', async () => {
    const id = await running();
    await service.db
      .updateTable('tasks')
      .set({ state: 'scheduled', generation: 1 })
      .where('id', '=', uuidToBytes(id))
      .execute();
    await finish(result(refOf(venueId, id)));
    assert.equal((await rowOf(id)).state, 'scheduled');
  });

  it('ignores results of a deleted task or of another venue', async () => {
    const id = await running();
    await finish(result(refOf(newId(service.clock), id)));
    await finish(result(refOf(venueId, newId(service.clock))));
    assert.equal((await rowOf(id)).state, 'running');
  });

  it('records many concurrent results, each with its own attempt and error', async () => {
    const tasks = await Promise.all(
      Array.from({ length: 250 }, async (_, index) => {
        const attempt = (index % 3) + 1;
        const error = index % 10 === 0 ? `error ${index}` : null;
        return { id: await running(attempt), attempt, error };
      }),
    );
    await Promise.all(
      tasks.map(({ id, attempt, error }) => finish(result(refOf(venueId, id, attempt), error))),
    );
    for (const { id, error } of tasks) {
      const { state, last_error } = await rowOf(id);
      assert.deepEqual([state, last_error], [error === null ? 'done' : 'failed', error]);
    }
  });

  it('throws when the database is unavailable', async () => {
    const db = openDatabase({ url: 'mysql://nobody@127.0.0.1:1/nowhere', poolSize: 1 });
    const finishOffline = onTaskFinished({ db, clock: service.clock });
    await assert.rejects(finishOffline(result(refOf(venueId, await running()))));
    await db.destroy();
  });
});
