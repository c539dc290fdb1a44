import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId } from '@queue-manager/service-kit/ids';
import { assertProblem, publicUrl, type QueueService, startQueueService } from '../testing.ts';

describe('get board page', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const pageOf = (queueId: string) => service.call('GET', `/v1/boards/${queueId}/page`);

  it('shows the venue and the join link, which follows a new join code', async () => {
    const { owner, queueId, joinCode } = await service.openLine(
      {},
      { name: 'Casa', locale: 'pt', accentColor: '#b91c1c' },
    );
    const page = await pageOf(queueId);
    assert.deepEqual(page.body, {
      venueName: 'Casa',
      joinUrl: `${publicUrl}/j/${joinCode}`,
      locale: 'pt',
      timezone: 'Europe/Lisbon',
      accentColor: '#b91c1c',
    });
    const { body: renewed } = await service.call('POST', `/v1/queues/${queueId}/join-code`, {
      as: owner,
    });
    assert.equal((await pageOf(queueId)).body.joinUrl, renewed.joinUrl);
  });

  it('has no join link where only staff add parties', async () => {
    const { queueId } = await service.openLine({ selfJoin: false });
    assert.equal((await pageOf(queueId)).body.joinUrl, null);
  });

  it('returns 404 for an unknown or deleted queue', async () => {
    const { owner, queueId } = await service.openLine();
    await service.call('DELETE', `/v1/queues/${queueId}`, { as: owner });
    for (const id of [queueId, newId(service.clock)]) {
      assertProblem(await pageOf(id), 'not-found');
    }
  });
});
