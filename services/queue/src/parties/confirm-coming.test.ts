import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { makeEvent } from '@queue-manager/contracts/events';
import type { Party } from '@queue-manager/contracts/parties';
import { bytesToUuid, newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import type { TaskRow } from '../db/tables.ts';
import { callExpire } from '../tasks/kinds/call-expire.ts';
import { tasksOf } from '../tasks/testing.ts';
import { assertProblem, type QueueService, startQueueService, testStart } from '../testing.ts';

const graceSeconds = 120;

describe('confirm coming', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  async function calledParty() {
    service.clock.set(testStart);
    const line = await service.openLine({ callGraceSeconds: graceSeconds });
    const { body: party } = await service.add(line.queueId, line.owner);
    const act = async (move: string) => {
      const answer = await service.move(party as Party, move, line.owner);
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      return answer.body;
    };
    await act('call');
    const read = async () =>
      (await service.call('GET', `/v1/parties/${party.id}`, { as: line.owner })).body as Party;
    const expiries = () => tasksOf(service, { partyId: party.id, kind: 'call.expire' });
    const confirm = (key?: string) => service.move(party as Party, 'confirm', line.owner, key);
    return { ...line, party: party as Party, act, read, expiries, confirm };
  }

  /** What the dispatcher does with a task that is due. */
  async function handOut(task: TaskRow | undefined): Promise<void> {
    assert.ok(task !== undefined);
    const event = makeEvent({
      id: newId(service.clock),
      source: '/queue',
      type: 'task.due',
      subject: bytesToUuid(task.id),
      time: service.clock.now().toISOString(),
      data: {
        task: { venueId: bytesToUuid(task.venue_id), taskId: bytesToUuid(task.id), attempt: 1 },
        kind: task.kind,
        queueId: bytesToUuid(task.queue_id as Buffer),
        partyId: bytesToUuid(task.party_id as Buffer),
        payload: JSON.parse(task.payload),
      },
    });
    await callExpire.handle(service.deps, event.data);
  }

  const secondsAfterCall = (task: TaskRow | undefined) =>
    ((task?.run_at.getTime() ?? Number.NaN) - Date.parse(testStart)) / 1_000;

  it('doubles the grace time, once per call', async () => {
    const { confirm, expiries, read, queueId } = await calledParty();
    const [first] = await expiries();
    assert.equal(secondsAfterCall(first), graceSeconds);
    service.clock.advance(50);
    const answer = await confirm();
    assert.equal(answer.status, 200);
    const confirmedAt = service.clock.now().toISOString();
    assert.deepEqual([answer.body.state, answer.body.confirmedAt], ['called', confirmedAt]);
    const [extended, ...others] = await expiries();
    assert.deepEqual(others, []);
    assert.equal(secondsAfterCall(extended), 2 * graceSeconds);

    service.clock.advance(20);
    const { seq } = await service.rowOf(queueId);
    const again = await confirm();
    assert.deepEqual([again.status, again.body], [200, answer.body]);
    assert.equal((await service.rowOf(queueId)).seq, seq, 'no event');
    assert.deepEqual(await expiries(), [extended]);

    // The end of the call as it was before, already handed out when the guest confirmed.
    service.clock.set(new Date(Date.parse(testStart) + graceSeconds * 1_000).toISOString());
    await handOut(first);
    assert.equal((await read()).state, 'called');
    service.clock.advance(graceSeconds);
    await handOut(extended);
    assert.equal((await read()).state, 'no_show');
    await service.assertSound(queueId);
  });

  it('never shortens the grace time, whatever the setting is by now', async () => {
    for (const { grace, at, by } of [
      // Twice what is given now would be over already.
      { grace: 10, at: 100, by: 2 * graceSeconds },
      { grace: graceSeconds / 2, at: 10, by: 2 * graceSeconds },
      { grace: 300, at: 100, by: 600 },
    ]) {
      const { confirm, expiries, owner, queueId } = await calledParty();
      const body = { callGraceSeconds: grace };
      const changed = await service.call('PATCH', `/v1/queues/${queueId}`, { as: owner, body });
      assert.equal(changed.status, 200);
      service.clock.advance(at);
      assert.equal((await confirm()).status, 200);
      const [extended, ...others] = await expiries();
      assert.deepEqual(others, []);
      assert.equal(secondsAfterCall(extended), by);
    }
  });

  it('doubles the grace time also when the expiry was handed out already', async () => {
    const { confirm, act, expiries, owner, queueId, party } = await calledParty();
    service.clock.advance(50);
    await act('call');
    // The end of the second call, handed out; the queue gives less by now.
    await service.db
      .updateTable('tasks')
      .set({ state: 'running' })
      .where('party_id', '=', uuidToBytes(party.id))
      .where('kind', '=', 'call.expire')
      .execute();
    const body = { callGraceSeconds: 10 };
    await service.call('PATCH', `/v1/queues/${queueId}`, { as: owner, body });
    service.clock.advance(graceSeconds);
    assert.equal((await confirm()).status, 200);
    const extended = (await expiries()).find(({ state }) => state === 'scheduled');
    assert.equal(secondsAfterCall(extended), 50 + 2 * graceSeconds);
  });

  it('repeats its result for the same idempotency key', async () => {
    const { confirm, queueId } = await calledParty();
    const key = newId(service.clock);
    const [first, second] = [await confirm(key), await confirm(key)];
    assert.deepEqual([first.status, second.status], [200, 200]);
    assert.deepEqual(first.body, second.body);
    const events = await service.eventsOf(queueId);
    assert.equal(events.filter(({ type }) => type === 'party.confirmed').length, 1);
  });

  it('confirms once for concurrent requests', async () => {
    const { confirm, queueId, expiries } = await calledParty();
    const answers = await Promise.all(Array.from({ length: 10 }, () => confirm()));
    assert.ok(answers.every(({ status }) => status === 200));
    const events = await service.eventsOf(queueId);
    assert.equal(events.filter(({ type }) => type === 'party.confirmed').length, 1);
    assert.equal((await expiries()).length, 1);
  });

  for (const move of ['seat', 'leave', 'remove', 'restore']) {
    it(`cancels the expiry after ${move}`, async () => {
      const { confirm, act, expiries, read } = await calledParty();
      await confirm();
      const [extended] = await expiries();
      await act(move);
      assert.deepEqual(await expiries(), []);
      const { state, seq } = await read();
      service.clock.advance(2 * graceSeconds);
      await handOut(extended);
      assert.deepEqual([(await read()).state, (await read()).seq], [state, seq]);
      if (move !== 'restore') assertProblem(await confirm(), 'invalid-transition');
    });
  }

  it('can be repeated for a later call, which has its own grace time', async () => {
    const { confirm, act, expiries, read } = await calledParty();
    await confirm();
    const [ofFirstCall] = await expiries();
    service.clock.advance(100);
    assert.equal((await act('call')).confirmedAt, null);
    const [anew] = await expiries();
    assert.equal(secondsAfterCall(anew), 100 + graceSeconds);
    await handOut(ofFirstCall);
    assert.equal((await read()).state, 'called');
    assert.equal((await confirm()).status, 200);
    const [extended, ...others] = await expiries();
    assert.deepEqual(others, []);
    assert.equal(secondsAfterCall(extended), 100 + 2 * graceSeconds);
    // Of the first call, though that was confirmed as the second one is.
    await handOut(ofFirstCall);
    await handOut(anew);
    assert.equal((await read()).state, 'called');
  });

  it('is refused after the call is over, and when the queue was deleted', async () => {
    const { confirm, expiries } = await calledParty();
    service.clock.advance(graceSeconds);
    const [expiry] = await expiries();
    await handOut(expiry);
    assertProblem(await confirm(), 'invalid-transition');

    const other = await calledParty();
    const key = newId(service.clock);
    const first = await other.confirm(key);
    await service.call('DELETE', `/v1/queues/${other.queueId}`, { as: other.owner });
    assertProblem(await other.confirm(), 'invalid-transition');
    const repeated = await other.confirm(key);
    // The first answer, but for what is true of the guest now: no call expires any more.
    const body = { ...first.body, callExpiresAt: null };
    assert.deepEqual([repeated.status, repeated.body], [200, body]);
  });

  it('returns 404 for any other ticket', async () => {
    const { party } = await calledParty();
    const url = `/v1/tickets/${party.ticket.slice(0, -4)}AAAA/confirm`;
    assertProblem(await service.call('POST', url), 'not-found');
    const body = { places: 1 };
    const refused = await service.call('POST', `/v1/tickets/${party.ticket}/confirm`, { body });
    assert.deepEqual(assertProblem(refused, 'validation-failed'), ['places']);
  });
});
