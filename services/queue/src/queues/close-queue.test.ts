import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';

describe('close queue', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const post = (queueId: string, action: string, as: string, body?: object) =>
    service.call('POST', `/v1/queues/${queueId}/${action}`, { as, body });

  it('removes waiting parties with expireWaiting and keeps called ones', async () => {
    const { owner, queueId } = await service.openLine();
    const parties = [];
    for (let joined = 0; joined < 4; joined += 1) {
      parties.push((await service.add(queueId, owner)).body);
    }
    await post(queueId, 'call-next', owner);
    const { status, body } = await post(queueId, 'close', owner, { expireWaiting: true });
    assert.equal(status, 200);
    assert.deepEqual([body.state, body.waiting, body.called], ['closed', 0, 1]);
    const states = [];
    for (const { id } of parties) {
      states.push((await service.call('GET', `/v1/parties/${id}`, { as: owner })).body.state);
    }
    assert.deepEqual(states, ['called', 'removed', 'removed', 'removed']);
    await service.assertSound(queueId);

    // A queue that is closed already: the waiting parties are removed all the same.
    await post(queueId, 'open', owner);
    await service.add(queueId, owner);
    await post(queueId, 'close', owner);
    const again = await post(queueId, 'close', owner, { expireWaiting: true });
    assert.equal(again.body.waiting, 0);
    for (const [wrong, path] of [
      [{ expireWaiting: 'yes' }, 'expireWaiting'],
      [{ reason: 'late' }, 'reason'],
    ] as const) {
      const answer = await post(queueId, 'close', owner, wrong);
      assert.deepEqual(assertProblem(answer, 'validation-failed'), [path]);
    }
    await service.assertSound(queueId);
  });
});
