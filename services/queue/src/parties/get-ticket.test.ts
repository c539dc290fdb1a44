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
    const { owner, queueId, joinCode } = await service.openLine(
      { text: 'Stay near', endMessage: 'Thank you', callGraceSeconds: 120 },
      { name: 'Casa', locale: 'pt' },
    );
    const { body: joined } = await service.join(joinCode, { size: 2, email: 'rui@example.com' });
    const { status, body, headers } = await ticketOf(joined.ticket);
    assert.equal(status, 200);
    assert.deepEqual(body, {
      queueId,
      queueName: 'Tables',
      venueName: 'Casa',
      locale: 'pt',
      timezone: 'Europe/Lisbon',
      accentColor: null,
      text: 'Stay near',
      endMessage: 'Thank you',
      number: 1,
      name: 'Rui Gomes',
      size: 2,
      state: 'waiting',
      joinedAt: testStart,
      calledAt: null,
      callExpiresAt: null,
      confirmedAt: null,
      snoozesLeft: 3,
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

  it('states when the present call ends', async () => {
    const { owner, queueId } = await service.openLine({ callGraceSeconds: 120 });
    const party = (await service.add(queueId, owner)).body;
    const secondsLeft = async () => {
      const { callExpiresAt } = (await ticketOf(party.ticket)).body;
      if (callExpiresAt === null) return null;
      return (Date.parse(callExpiresAt) - service.clock.now().getTime()) / 1_000;
    };
    const act = async (move: string) =>
      assert.equal((await service.move(party, move, owner)).status, 200);

    await act('call');
    assert.equal(await secondsLeft(), 120);
    service.clock.advance(100);
    await act('confirm');
    assert.equal(await secondsLeft(), 140);
    // A shorter grace time: a new call ends sooner than the last one would have.
    const body = { callGraceSeconds: 10 };
    await service.call('PATCH', `/v1/queues/${queueId}`, { as: owner, body });
    await act('call');
    assert.equal(await secondsLeft(), 10);
    await act('restore');
    assert.equal(await secondsLeft(), null);
    await act('call');
    await act('no-show');
    assert.equal(await secondsLeft(), null);
  });

  it('counts the snoozes that are left', async () => {
    const { owner, queueId } = await service.openLine();
    const party = (await service.add(queueId, owner)).body;
    for (const left of [2, 1, 0]) {
      const answer = await service.move(party, 'snooze', owner, undefined, { places: 1 });
      assert.equal(answer.body.snoozesLeft, left);
    }
    assert.equal((await ticketOf(party.ticket)).body.snoozesLeft, 0);
  });
});
