import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';
import { insertTask } from './testing.ts';

describe('tasks', () => {
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
  const list = (venueId: string, as: string, query = '') =>
    service.call('GET', `/v1/venues/${venueId}/tasks${query}`, { as });
  const retry = (taskId: string, as: string, key?: string) =>
    service.call('POST', `/v1/tasks/${taskId}/retry`, {
      as,
      ...(key === undefined ? {} : { key }),
    });

  it('are open to managers of the venue', async () => {
    const { venueId, owner, manager, host } = await venue();
    const stranger = (await venue()).owner;
    const taskId = await insertTask(service, venueId, { state: 'failed' });
    assert.equal((await list(venueId, owner)).status, 200);
    assertProblem(await list(venueId, host), 'forbidden');
    assertProblem(await list(venueId, stranger), 'not-found');
    assertProblem(await retry(taskId, host), 'forbidden');
    assertProblem(await retry(taskId, stranger), 'not-found');
    assertProblem(await retry(newId(service.clock), manager), 'not-found');
    await service.call('DELETE', `/v1/venues/${venueId}`, { as: owner });
    assertProblem(await retry(taskId, owner), 'not-found');
  });

  it('appear as notifications of their party', async () => {
    const { owner, queueId } = await venue();
    const { body: party } = await service.add(queueId, owner, { email: 'ana@example.com' });
    const joinedAt = service.clock.now().toISOString();
    assert.deepEqual(party.notifications, [
      { channel: 'email', kind: 'notify.joined', state: 'scheduled', at: joinedAt },
    ]);
    service.clock.advance(60);
    const { body: called } = await service.move(party, 'call', owner);
    const calledAt = service.clock.now().toISOString();
    await service.db
      .updateTable('tasks')
      .set({ state: 'failed' })
      .where('kind', '=', 'notify.joined')
      .where('party_id', '=', uuidToBytes(party.id))
      .execute();
    const expected = [
      { channel: 'email', kind: 'notify.joined', state: 'failed', at: joinedAt },
      { channel: 'email', kind: 'notify.called', state: 'scheduled', at: calledAt },
    ];
    assert.equal(called.notifications.length, 2);
    const { body: quiet } = await service.add(queueId, owner, {});
    const listed = await service.listAll(queueId, owner);
    assert.deepEqual(listed.find(({ id }) => id === party.id)?.notifications, expected);
    assert.deepEqual(listed.find(({ id }) => id === quiet.id)?.notifications, []);
    const { body: shown } = await service.call('GET', `/v1/parties/${party.id}`, { as: owner });
    assert.deepEqual(shown.notifications, expected);
  });
});
