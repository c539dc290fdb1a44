import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';

describe('leave queue', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const ticketOf = (ticket: string) => service.call('GET', `/v1/tickets/${ticket}`);
  const leave = (ticket: string) => service.call('POST', `/v1/tickets/${ticket}/leave`);
  const onlyParty = async (queueId: string, as: string) =>
    (await service.listAll(queueId, as)).at(-1);

  it('removes a waiting or called guest, once', async () => {
    const { owner, queueId, joinCode } = await service.openLine();
    const { body: waiting } = await service.join(joinCode);
    const { body: called } = await service.join(joinCode);
    const second = await onlyParty(queueId, owner);
    assert.ok(second !== undefined);
    await service.move(second, 'call', owner);
    for (const { ticket } of [waiting, called]) {
      const { status, body } = await leave(ticket);
      assert.deepEqual([status, body.state], [200, 'left']);
      assert.deepEqual((await ticketOf(ticket)).body, body);
      assertProblem(await leave(ticket), 'invalid-transition');
    }
    const withBody = await service.call('POST', `/v1/tickets/${waiting.ticket}/leave`, {
      body: { reason: 'tired' },
    });
    assert.deepEqual(assertProblem(withBody, 'validation-failed'), ['reason']);
    const events = await service.eventsOf(queueId);
    assert.deepEqual(JSON.parse(events.at(-1)?.data as string).actor, { kind: 'guest' });
    await service.assertSound(queueId);
  });
});
