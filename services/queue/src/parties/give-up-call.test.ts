import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Lane, Party } from '@queue-manager/contracts/parties';
import { bytesToUuid, newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import type { TaskRow } from '../db/tables.ts';
import { callExpire } from '../tasks/kinds/call-expire.ts';
import { kindsOf, tasksOf } from '../tasks/testing.ts';
import { assertProblem, type QueueService, startQueueService, testStart } from '../testing.ts';
import { done, openLineOf } from './testing.ts';

describe('snooze that gives up a call', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());
  afterEach(() => {
    service.clock.set(testStart);
    service.positionApp.state.isUnavailable = false;
    service.positionApp.state.beforeNeighboursLeave = async () => undefined;
  });

  const openLine = async (count: number, laneAt?: (index: number) => Lane) => {
    const line = await openLineOf(service, count, laneAt);
    const [ana, bea] = line.parties as [Party, Party];
    const read = async ({ id }: Party) =>
      (await service.call('GET', `/v1/parties/${id}`, { as: line.owner })).body as Party;
    return { ...line, ana, bea, read };
  };

  /** Runs once, after the line was read and before it is locked. */
  function meanwhile(change: () => Promise<unknown>): void {
    service.positionApp.state.beforeNeighboursLeave = async () => {
      service.positionApp.state.beforeNeighboursLeave = async () => undefined;
      await change();
    };
  }

  /** The end of a call, handed out. */
  const expire = (task: TaskRow | undefined) =>
    callExpire.handle(service.deps, {
      task: { venueId: '', taskId: '', attempt: 1 },
      kind: 'call.expire',
      queueId: bytesToUuid(task?.queue_id as Buffer),
      partyId: bytesToUuid(task?.party_id as Buffer),
      payload: JSON.parse(task?.payload ?? ''),
    });

  it('ends the call and puts the party behind the next waiting ones', async () => {
    for (const [called, places, expected] of [
      [1, 1, [2, 1, 3, 4, 5]],
      [1, 3, [2, 3, 4, 1, 5]],
      [1, 10, [2, 3, 4, 5, 1]],
      [3, 1, [1, 2, 4, 3, 5]],
      [5, 2, [1, 2, 3, 4, 5]],
    ] as const) {
      const { parties, act, giveUpCall, order, read, queueId } = await openLine(5);
      const party = parties[called - 1] as Party;
      await act(party, 'call');
      await act(party, 'confirm');
      const answer = done(await giveUpCall(party, places));
      const { state, number, calledAt, confirmedAt, callExpiresAt, snoozesLeft } = answer;
      assert.deepEqual(
        { state, number, calledAt, confirmedAt, callExpiresAt, snoozesLeft },
        {
          state: 'waiting',
          number: called,
          calledAt: null,
          confirmedAt: null,
          callExpiresAt: null,
          snoozesLeft: 2,
        },
      );
      assert.deepEqual(await order(), expected);
      assert.equal((await read(party)).calls, 1);
      const last = (await service.eventsOf(queueId)).at(-1);
      const { previousState, position, actor } = JSON.parse(last?.data ?? '');
      assert.deepEqual(
        { type: last?.type, previousState, position, actor },
        {
          type: 'party.moved',
          previousState: 'called',
          position: [...expected].indexOf(called) + 1,
          actor: { kind: 'guest' },
        },
      );
      await service.assertSound(queueId);
    }
  });

  it('keeps the lanes apart, and counts parties that were called too as gone', async () => {
    const { parties, act, giveUpCall, order } = await openLine(5, (index) =>
      index < 2 ? 'priority' : 'regular',
    );
    const [first, second, third] = parties as [Party, Party, Party];
    await act(first, 'call');
    await act(third, 'call');
    done(await giveUpCall(first, 1));
    assert.deepEqual(await order(), [2, 1, 4, 5]);
    await act(second, 'call');
    done(await giveUpCall(second, 2));
    assert.deepEqual(await order(), [1, 4, 2, 5]);
  });

  it('waits again where it stood when nobody else waits', async () => {
    const { ana, act, giveUpCall, order, queueId } = await openLine(1);
    await act(ana, 'call');
    assert.equal(done(await giveUpCall(ana, 2)).snoozesLeft, 2);
    assert.deepEqual(await order(), [1]);
    await service.assertSound(queueId);
  });

  it('counts with the snoozes of a waiting party, and is one for a party that waits', async () => {
    const { ana, act, snooze, giveUpCall, order } = await openLine(5);
    done(await snooze(ana, 1));
    assert.equal(done(await giveUpCall(ana, 1)).snoozesLeft, 1);
    assert.deepEqual(await order(), [2, 3, 1, 4, 5]);
    await act(ana, 'call');
    done(await giveUpCall(ana, 1));
    await act(ana, 'call');
    assertProblem(await giveUpCall(ana, 1), 'snooze-limit-reached');
    assert.deepEqual(await order(), [2, 3, 4, 5]);
  });

  it('is refused without the flag, with another type of it, and after the wait', async () => {
    const { ana, bea, act, snooze, giveUpCall, read, queueId, owner } = await openLine(3);
    await act(ana, 'call');
    assertProblem(await snooze(ana, 1), 'invalid-transition');
    const body = { places: 1, giveUpCall: 'yes' };
    assert.deepEqual(
      assertProblem(
        await service.call('POST', `/v1/tickets/${ana.ticket}/snooze`, { body }),
        'validation-failed',
      ),
      ['giveUpCall'],
    );
    assert.equal((await read(ana)).state, 'called');
    for (const move of ['seat', 'depart']) {
      await act(ana, move);
      assertProblem(await giveUpCall(ana, 1), 'invalid-transition');
    }
    await act(bea, 'call');
    await service.call('DELETE', `/v1/queues/${queueId}`, { as: owner });
    assertProblem(await giveUpCall(bea, 1), 'invalid-transition');
  });

  it('mails nothing about itself, and tells of the next call and place', async () => {
    const { owner, queueId } = await service.openLine();
    const parties: Party[] = [];
    for (let count = 0; count < 5; count += 1) {
      const body = { email: `guest-${count}@example.com` };
      parties.push((await service.add(queueId, owner, body)).body);
    }
    const [ana, bea, cid, dia] = parties as [Party, Party, Party, Party];
    const mailsOf = async (party: Party) =>
      (await kindsOf(service, party.id)).filter((kind) => kind !== 'notify.joined').sort();
    const act = async (party: Party, move: string, body?: object) =>
      done(await service.move(party, move, owner, undefined, body));

    await act(ana, 'call');
    await act(ana, 'call');
    await act(ana, 'confirm');
    assert.deepEqual(await mailsOf(ana), ['call.expire', 'notify.called', 'notify.recalled']);
    await act(ana, 'snooze', { places: 3, giveUpCall: true });
    // Bea, Cid, Dia, Ana, Eva
    assert.deepEqual(await mailsOf(ana), []);
    await act(bea, 'seat');
    assert.deepEqual(await mailsOf(ana), ['notify.almost-there']);
    await act(ana, 'call');
    assert.deepEqual(await mailsOf(ana), ['call.expire', 'notify.almost-there', 'notify.called']);
    await act(ana, 'leave');

    // Called from the back, it comes back to the front: it knows that from the response.
    const eva = parties[4] as Party;
    const late = (await service.add(queueId, owner, { email: 'late@example.com' })).body as Party;
    await act(late, 'call');
    for (const party of [cid, dia]) await act(party, 'seat');
    await act(late, 'snooze', { places: 1, giveUpCall: true });
    assert.deepEqual(await mailsOf(late), []);
    await act(eva, 'seat');
    assert.deepEqual(await mailsOf(late), []);
  });

  it('keeps the number, the mark of a possible duplicate and the occupancy', async () => {
    const { owner, queueId, venueId } = await service.openLine();
    const phone = '+351910000001';
    const { body: ana } = await service.add(queueId, owner, { phone });
    // Staff may add a guest twice on purpose; only a guest that joins marks both.
    await service.add(queueId, owner, { phone });
    done(await service.move(ana, 'call', owner));
    service.clock.advance(24 * 3_600);
    // The numbers of the next day begin again.
    const { body: next } = await service.add(queueId, owner);
    assert.equal(next.number, 3);
    done(await service.move(ana, 'snooze', owner, undefined, { places: 1, giveUpCall: true }));
    const { body: read } = await service.call('GET', `/v1/parties/${ana.id}`, { as: owner });
    assert.deepEqual([read.number, read.possibleDuplicate], [1, false]);
    const { body: venue } = await service.call('GET', `/v1/venues/${venueId}`, { as: owner });
    assert.equal(venue.occupancy, 0);
  });

  it('goes on with the wait, for reports', async () => {
    const { ana, act, giveUpCall, queueId, owner } = await openLine(3);
    const reportOf = async () =>
      (await service.call('GET', `/v1/queues/${queueId}/report`, { as: owner })).body;
    service.clock.advance(100);
    await act(ana, 'call');
    done(await giveUpCall(ana, 1));
    service.clock.advance(1);
    const { outcomes, waits, noShowRate } = await reportOf();
    assert.deepEqual([outcomes.waiting, waits.count, noShowRate], [3, 0, null]);
    service.clock.advance(199);
    await act(ana, 'call');
    service.clock.advance(1);
    const later = await reportOf();
    assert.deepEqual([later.waits.count, later.waits.max], [1, 300]);
  });

  it('repeats its answer for the same key, also after another call and without the position service', async () => {
    const { ana, act, giveUpCall, order, read, queueId } = await openLine(3);
    await act(ana, 'call');
    const key = newId(service.clock);
    const first = done(await giveUpCall(ana, 1, key));
    assert.deepEqual(done(await giveUpCall(ana, 1, key)), first);
    await act(ana, 'call');
    service.positionApp.state.isUnavailable = true;
    const repeated = done(await giveUpCall(ana, 1, key));
    assert.deepEqual({ ...repeated, callExpiresAt: null }, first);
    assert.equal((await read(ana)).state, 'called');
    assertProblem(await giveUpCall(ana, 2, key), 'idempotency-key-reused');
    assert.deepEqual(await order(), [2, 3]);
    await service.assertSound(queueId);
  });

  it('is made once by two taps with one key, and twice by two presses', async () => {
    const { ana, bea, act, giveUpCall, read, queueId } = await openLine(4);
    const newKey = () => newId(service.clock);
    const key = newKey();
    for (const [party, keys, made] of [
      [ana, [key, key], 1],
      [bea, [newKey(), newKey()], 2],
    ] as const) {
      await act(party, 'call');
      const answers = await Promise.all(keys.map((key) => giveUpCall(party, 1, key)));
      for (const answer of answers) done(answer);
      assert.equal((await read(party)).state, 'waiting');
      const { snoozes } = await service.db
        .selectFrom('parties')
        .select('snoozes')
        .where('id', '=', uuidToBytes(party.id))
        .executeTakeFirstOrThrow();
      assert.equal(snoozes, made);
    }
    await service.assertSound(queueId);
  });

  it('gives up a call that comes at the same moment only with the flag', async () => {
    const { ana, bea, act, snooze, giveUpCall, order, read } = await openLine(4);
    meanwhile(() => act(ana, 'call'));
    assertProblem(await snooze(ana, 1), 'invalid-transition');
    assert.equal((await read(ana)).state, 'called');
    meanwhile(() => act(bea, 'call'));
    assert.equal(done(await giveUpCall(bea, 1)).state, 'waiting');
    assert.deepEqual(await order(), [3, 2, 4]);
    assert.deepEqual(await tasksOf(service, { partyId: bea.id, kind: 'call.expire' }), []);
  });

  it('also gives up a repeated call, and moves a party that was restored meanwhile', async () => {
    const { ana, act, giveUpCall, order, queueId } = await openLine(4);
    await act(ana, 'call');
    meanwhile(() => act(ana, 'call'));
    done(await giveUpCall(ana, 1));
    assert.deepEqual(await tasksOf(service, { partyId: ana.id, kind: 'call.expire' }), []);
    await act(ana, 'call');
    meanwhile(() => act(ana, 'restore'));
    assert.equal(done(await giveUpCall(ana, 1)).snoozesLeft, 1);
    assert.deepEqual(await order(), [2, 3, 1, 4]);
    const last = (await service.eventsOf(queueId)).at(-1);
    assert.equal(JSON.parse(last?.data ?? '').previousState, 'waiting');
  });

  it('comes too late after the host has seated the party, and after the call has expired', async () => {
    const { ana, bea, act, giveUpCall, read, queueId } = await openLine(4);
    await act(ana, 'call');
    meanwhile(() => act(ana, 'seat'));
    assertProblem(await giveUpCall(ana, 1), 'invalid-transition');
    assert.equal((await read(ana)).state, 'seated');
    await act(bea, 'call');
    const [expiry] = await tasksOf(service, { partyId: bea.id, kind: 'call.expire' });
    meanwhile(() => expire(expiry));
    assertProblem(await giveUpCall(bea, 1), 'invalid-transition');
    assert.equal((await read(bea)).state, 'no_show');
    await service.assertSound(queueId);
  });

  it('outlives the end of the call that was handed out before', async () => {
    const { ana, act, giveUpCall, read } = await openLine(3);
    await act(ana, 'call');
    const [expiry] = await tasksOf(service, { partyId: ana.id, kind: 'call.expire' });
    done(await giveUpCall(ana, 1));
    await expire(expiry);
    assert.equal((await read(ana)).state, 'waiting');
    await act(ana, 'call');
    await expire(expiry);
    assert.equal((await read(ana)).state, 'called');
  });

  it('is consistent with moves of hosts at the same moment', async () => {
    for (const move of ['seat', 'no-show', 'restore', 'call', 'remove']) {
      const { ana, act, giveUpCall, read, queueId, owner } = await openLine(4);
      await act(ana, 'call');
      const [guest, host] = await Promise.all([giveUpCall(ana, 1), service.move(ana, move, owner)]);
      const { state, calledAt } = await read(ana);
      assert.ok([guest, host].some(({ status }) => status === 200));
      if (guest.status !== 200) assertProblem(guest, 'invalid-transition');
      if (host.status !== 200) assertProblem(host, 'invalid-transition');
      if (state === 'waiting') assert.equal(calledAt, null);
      const expiries = await tasksOf(service, { partyId: ana.id, kind: 'call.expire' });
      assert.equal(expiries.length, state === 'called' ? 1 : 0, `${move}: ${state}`);
      await service.assertSound(queueId);
    }
  });
});
