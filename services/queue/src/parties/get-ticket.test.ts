import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assertProblem, type QueueService, startQueueService, testStart } from '../testing.ts';

describe('get ticket', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const ticketOf = (ticket: string) => service.call('GET', `/v1/tickets/${ticket}`);
  const leave = (ticket: string) => service.call('POST', `/v1/tickets/${ticket}/leave`);
  const onlyParty = async (queueId: string, as: string) =>
    (await service.listAll(queueId, as)).at(-1);

  it('shows a guest its own party, and 404 for any other ticket', async () => {
    const { owner, queueId, joinCode } = await service.openLine({
      text: 'Stay near',
      endMessage: 'Thank you',
    });
    const { body: joined } = await service.join(joinCode, { size: 2, email: 'rui@example.com' });
    const { status, body, headers } = await ticketOf(joined.ticket);
    assert.equal(status, 200);
    assert.deepEqual(body, {
      queueId,
      queueName: 'Tables',
      text: 'Stay near',
      endMessage: 'Thank you',
      number: 1,
      name: 'Rui Gomes',
      size: 2,
      state: 'waiting',
      joinedAt: testStart,
      calledAt: null,
      confirmedAt: null,
    });
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(headers['referrer-policy'], 'no-referrer');

    const party = await onlyParty(queueId, owner);
    assert.ok(party !== undefined);
    await service.move(party, 'call', owner);
    const called = (await ticketOf(joined.ticket)).body;
    assert.deepEqual([called.state, called.calledAt], ['called', testStart]);

    const flipped = joined.ticket.at(-1) === 'A' ? 'B' : 'A';
    const unknown = service.deps.tickets.issue({ queueId, partyId: queueId });
    for (const ticket of [
      `${joined.ticket.slice(0, -1)}${flipped}`,
      joined.ticket.slice(1),
      `${joined.ticket}A`,
      party.id,
      unknown,
      'x',
    ]) {
      assertProblem(await ticketOf(ticket), 'not-found');
      assertProblem(await leave(ticket), 'not-found');
    }
  });
});
