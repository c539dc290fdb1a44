import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Party } from '@queue-manager/contracts/parties';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';
import { done, openLineOf } from './testing.ts';

describe('snooze', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  it('lets others go ahead, up to three times', async () => {
    const { parties, snooze, order, queueId, owner, act } = await openLineOf(service, 5);
    const [guest, second] = parties as [Party, Party];
    for (const [places, expected] of [
      [2, [2, 3, 1, 4, 5]],
      [1, [2, 3, 4, 1, 5]],
      [10, [2, 3, 4, 5, 1]],
    ] as const) {
      const answer = await snooze(guest, places);
      assert.equal(done(answer).state, 'waiting');
      assert.deepEqual(await order(), expected);
    }
    const last = (await service.eventsOf(queueId)).at(-1);
    const data = JSON.parse(last?.data ?? '');
    assert.deepEqual([data.position, data.actor], [5, { kind: 'guest' }]);
    assertProblem(await snooze(guest, 1), 'snooze-limit-reached');
    // Also after it was called, left and came back.
    await act(guest, 'call');
    assertProblem(await snooze(guest, 1), 'invalid-transition');
    await act(guest, 'restore');
    assertProblem(await snooze(guest, 1), 'snooze-limit-reached');

    const url = `/v1/tickets/${second.ticket}/snooze`;
    for (const body of [{ places: 0 }, { places: 11 }, { places: 1.5 }, {}]) {
      assert.deepEqual(
        assertProblem(await service.call('POST', url, { body }), 'validation-failed'),
        ['places'],
      );
    }
    const forged = `/v1/tickets/${second.ticket.slice(0, -4)}AAAA/snooze`;
    assertProblem(await service.call('POST', forged, { body: { places: 1 } }), 'not-found');
    await service.call('DELETE', `/v1/queues/${queueId}`, { as: owner });
    assertProblem(await snooze(second, 1), 'invalid-transition');
    await service.assertSound(queueId);
  });

  it('counts a snooze of the last in line', async () => {
    const { parties, snooze, order } = await openLineOf(service, 2);
    const last = parties[1] as Party;
    for (let count = 0; count < 3; count += 1) done(await snooze(last, 1));
    assertProblem(await snooze(last, 1), 'snooze-limit-reached');
    assert.deepEqual(await order(), [1, 2]);
  });

  it('counts each of many concurrent snoozes', async () => {
    const { parties, snooze, queueId } = await openLineOf(service, 4);
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => snooze(parties[0] as Party, 1)),
    );
    assert.equal(answers.filter(({ status }) => status === 200).length, 3);
    assert.equal(answers.filter(({ status }) => status === 409).length, 7);
    await service.assertSound(queueId);
  });
});
