import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Party } from '@queue-manager/contracts/parties';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { type QueueService, startQueueService } from '../testing.ts';
import { kindsOf, tasksOf } from './testing.ts';

describe('follow-up tasks of a change', () => {
  let service: QueueService;

  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const email = 'ana@example.com';

  async function add(queueId: string, owner: string, body: object = { email }): Promise<Party> {
    service.clock.advance(1);
    const { status, body: party } = await service.add(queueId, owner, body);
    assert.equal(status, 201);
    return party;
  }

  async function move(party: Party, how: string, owner: string): Promise<void> {
    service.clock.advance(1);
    assert.equal((await service.move(party, how, owner)).status, 200);
  }

  it('schedules mails at once and the end of a call after the grace time', async () => {
    const { owner, queueId, venueId } = await service.openLine({ callGraceSeconds: 120 });
    const party = await add(queueId, owner);
    const [joined, ...none] = await tasksOf(service, { partyId: party.id });
    assert.deepEqual(none, []);
    assert.deepEqual(
      { ...joined, id: null, request_id: null, payload: JSON.parse(joined?.payload ?? '') },
      {
        venue_id: uuidToBytes(venueId),
        id: null,
        kind: 'notify.joined',
        queue_id: uuidToBytes(queueId),
        party_id: uuidToBytes(party.id),
        payload: { seq: 2 },
        state: 'scheduled',
        attempts: 0,
        refusals: 0,
        generation: 0,
        last_error: null,
        run_at: service.clock.now(),
        lease_until: null,
        updated_at: service.clock.now(),
        request_id: null,
        traceparent: null,
      },
    );

    await move(party, 'call', owner);
    const calledAt = service.clock.now();
    assert.deepEqual(await kindsOf(service, party.id), [
      'notify.joined',
      'notify.called',
      'call.expire',
    ]);
    const [expire] = await tasksOf(service, { partyId: party.id, kind: 'call.expire' });
    assert.equal(expire?.run_at.getTime(), calledAt.getTime() + 120_000);
    assert.deepEqual(JSON.parse(expire?.payload ?? ''), { calls: 1, seq: 3 });
  });

  it('a recall schedules its own mail and restarts the grace time', async () => {
    const { owner, queueId } = await service.openLine({ callGraceSeconds: 60 });
    const party = await add(queueId, owner);
    await move(party, 'call', owner);
    const [first] = await tasksOf(service, { partyId: party.id, kind: 'call.expire' });
    await move(party, 'call', owner);
    const expires = await tasksOf(service, { partyId: party.id, kind: 'call.expire' });
    assert.equal(expires.length, 1);
    assert.notDeepEqual(expires[0]?.id, first?.id);
    assert.equal(expires[0]?.run_at.getTime(), service.clock.now().getTime() + 60_000);
    assert.deepEqual(JSON.parse(expires[0]?.payload ?? ''), { calls: 2, seq: 4 });
    assert.deepEqual(await kindsOf(service, party.id), [
      'notify.joined',
      'notify.called',
      'notify.recalled',
      'call.expire',
    ]);
  });

  it('a party without an e-mail address gets no mail, but its call expires', async () => {
    const { owner, queueId } = await service.openLine();
    const party = await add(queueId, owner, { phone: '+351912345678' });
    await move(party, 'call', owner);
    assert.deepEqual(await kindsOf(service, party.id), ['call.expire']);
    await move(party, 'no-show', owner);
    assert.deepEqual(await kindsOf(service, party.id), []);
  });

  it('a guest who joins gets a mail too', async () => {
    const { queueId, joinCode } = await service.openLine();
    const { status } = await service.join(joinCode, { email });
    assert.equal(status, 201);
    const [party] = await service.db
      .selectFrom('parties')
      .select('id')
      .where('queue_id', '=', uuidToBytes(queueId))
      .execute();
    assert.deepEqual(await kindsOf(service, party?.id.toString('hex') ?? ''), ['notify.joined']);
  });

  for (const how of ['seat', 'leave']) {
    it(`${how} cancels the scheduled tasks of the party, and no others`, async () => {
      const { owner, queueId } = await service.openLine();
      const [party, other] = [await add(queueId, owner), await add(queueId, owner)];
      await move(party, 'call', owner);
      await move(other, 'call', owner);
      await service.db
        .updateTable('tasks')
        .set({ state: 'running' })
        .where('party_id', '=', uuidToBytes(party.id))
        .where('kind', '=', 'notify.joined')
        .execute();
      await move(party, how, owner);
      assert.deepEqual(await kindsOf(service, party.id), ['notify.joined']);
      assert.equal((await kindsOf(service, other.id)).length, 3);
    });
  }

  for (const [how, kind] of [
    ['no-show', 'notify.no-show'],
    ['remove', 'notify.removed'],
  ] as const) {
    it(`${how} leaves only its own mail`, async () => {
      const { owner, queueId } = await service.openLine();
      const party = await add(queueId, owner);
      await move(party, 'call', owner);
      await move(party, how, owner);
      assert.deepEqual(await kindsOf(service, party.id), [kind]);
    });
  }

  for (const [what, end, told] of [
    ['closing a queue with expireWaiting', 'close', [1, 0, 0, 0]],
    ['deleting a queue', 'delete', [1, 1, 0, 0]],
    ['deleting a venue', 'delete-venue', [1, 1, 0, 0]],
  ] as const) {
    it(`${what} notifies everyone whom it removes and who has an address`, async () => {
      const { owner, queueId, venueId } = await service.openLine();
      const parties = [];
      for (const body of [{ email }, { email }, {}, { email }])
        parties.push(await add(queueId, owner, body));
      await move(parties[1] as Party, 'call', owner);
      await move(parties[3] as Party, 'seat', owner);
      const { status } =
        end === 'close'
          ? await service.call('POST', `/v1/queues/${queueId}/close`, {
              as: owner,
              body: { expireWaiting: true },
            })
          : await service.call(
              'DELETE',
              end === 'delete' ? `/v1/queues/${queueId}` : `/v1/venues/${venueId}`,
              { as: owner },
            );
      assert.ok(status < 300);
      await service.clearDeleted(venueId);
      const removed = await Promise.all(
        parties.map(({ id }) => tasksOf(service, { partyId: id, kind: 'notify.removed' })),
      );
      assert.deepEqual(
        removed.map(({ length }) => length),
        told,
      );
    });
  }

  it('a new address gets the ticket, or the call, once', async () => {
    const { owner, queueId } = await service.openLine();
    const patch = async ({ id }: Party, body: object) => {
      service.clock.advance(1);
      const { status } = await service.call('PATCH', `/v1/parties/${id}`, { as: owner, body });
      assert.equal(status, 200);
    };
    const party = await add(queueId, owner);
    const handOut = () =>
      service.db
        .updateTable('tasks')
        .set({ state: 'done' })
        .where('party_id', '=', uuidToBytes(party.id))
        .where('kind', 'like', 'notify.%')
        .execute();
    const told = () => kindsOf(service, party.id);
    // The task that is not handed out yet reads the new address.
    await patch(party, { email: 'anna@example.com' });
    assert.deepEqual(await told(), ['notify.joined']);
    await handOut();
    await patch(party, { email: 'Anna@example.com', name: 'Anna' });
    await patch(party, { notes: 'By the window' });
    assert.deepEqual(await told(), ['notify.joined']);
    await patch(party, { email: 'anne@example.com' });
    assert.deepEqual(await told(), ['notify.joined', 'notify.joined']);
    await move(party, 'call', owner);
    await handOut();
    await patch(party, { email: null });
    await patch(party, { email });
    const called = (await told()).filter((kind) => kind === 'notify.called');
    assert.equal(called.length, 2);
    await move(party, 'seat', owner);
    await patch(party, { email: 'late@example.com' });
    assert.deepEqual(await told(), ['notify.joined', 'notify.joined', 'notify.called']);
  });

  it('a party that is given its first address gets the ticket', async () => {
    const { owner, queueId } = await service.openLine();
    const party = await add(queueId, owner, {});
    await service.call('PATCH', `/v1/parties/${party.id}`, { as: owner, body: { email } });
    assert.deepEqual(await kindsOf(service, party.id), ['notify.joined']);
  });

  it('a move does not wait for a dispatcher that has locked a task', async () => {
    const { owner, queueId } = await service.openLine();
    const party = await add(queueId, owner);
    const { promise: isHeld, resolve: hold } = Promise.withResolvers<void>();
    const { promise: isReleased, resolve: release } = Promise.withResolvers<void>();
    const dispatching = service.db.transaction().execute(async (trx) => {
      await trx
        .selectFrom('tasks')
        .select('id')
        .where('party_id', '=', uuidToBytes(party.id))
        .forUpdate()
        .execute();
      hold();
      await isReleased;
    });
    await isHeld;
    await move(party, 'seat', owner).finally(release);
    await dispatching;
    assert.deepEqual(await kindsOf(service, party.id), ['notify.joined']);
  });

  it('a refused move schedules nothing', async () => {
    const { owner, queueId } = await service.openLine();
    const party = await add(queueId, owner);
    await move(party, 'seat', owner);
    assert.equal((await service.move(party, 'call', owner)).status, 409);
    assert.deepEqual(await kindsOf(service, party.id), []);
  });

  describe('when the queue moves up', () => {
    const almost = async (party: Party) =>
      (await tasksOf(service, { partyId: party.id, kind: 'notify.almost-there' })).length;

    async function lineOf(count: number, bodies: (index: number) => object = () => ({ email })) {
      const line = await service.openLine();
      const parties: Party[] = [];
      for (let index = 0; index < count; index += 1) {
        parties.push(await add(line.queueId, line.owner, bodies(index)));
      }
      return { ...line, parties };
    }
    const told = async (parties: Party[]) => Promise.all(parties.map(almost));

    it('notifies the party that becomes third, once, and none that joined so close to the front', async () => {
      const { owner, queueId, parties } = await lineOf(6);
      assert.deepEqual(await told(parties), [0, 0, 0, 0, 0, 0]);
      const callNext = () => service.call('POST', `/v1/queues/${queueId}/call-next`, { as: owner });
      await callNext();
      assert.deepEqual(await told(parties), [0, 0, 0, 1, 0, 0]);
      // A recall moves nobody up.
      await move(parties[0] as Party, 'call', owner);
      assert.deepEqual(await told(parties), [0, 0, 0, 1, 0, 0]);
      await move(parties[2] as Party, 'leave', owner);
      assert.deepEqual(await told(parties), [0, 0, 0, 1, 1, 0]);
      await move(parties[5] as Party, 'remove', owner);
      await move(parties[1] as Party, 'seat', owner);
      assert.deepEqual(await told(parties), [0, 0, 0, 1, 1, 0]);
    });

    it('notifies at the time of the change', async () => {
      const { owner, parties } = await lineOf(4);
      await move(parties[0] as Party, 'seat', owner);
      const [almostThere] = await tasksOf(service, {
        partyId: parties[3]?.id ?? '',
        kind: 'notify.almost-there',
      });
      assert.deepEqual(almostThere?.run_at, service.clock.now());
    });

    it('does not notify a party that a priority party had pushed back', async () => {
      const { owner, queueId, parties } = await lineOf(3);
      const priority = await add(queueId, owner, { email, lane: 'priority' });
      // It joined at the front. The former third is third again, and joined as third.
      await move(priority, 'seat', owner);
      assert.deepEqual(await told([...parties, priority]), [0, 0, 0, 0]);
    });

    it('notifies parties of the priority lane too', async () => {
      const { owner, parties } = await lineOf(4, () => ({ email, lane: 'priority' }));
      await move(parties[1] as Party, 'seat', owner);
      assert.deepEqual(await told(parties), [0, 0, 0, 1]);
    });

    it('notifies a party that got its address later, when the queue moves again', async () => {
      const { owner, parties } = await lineOf(5, (index) => (index === 3 ? {} : { email }));
      await move(parties[0] as Party, 'seat', owner);
      assert.deepEqual(await told(parties), [0, 0, 0, 0, 0]);
      const late = parties[3] as Party;
      await service.call('PATCH', `/v1/parties/${late.id}`, { as: owner, body: { email } });
      await move(parties[1] as Party, 'seat', owner);
      assert.deepEqual(await told(parties), [0, 0, 0, 1, 1]);
    });

    it('tells nobody so when all are removed', async () => {
      const { owner, queueId, parties } = await lineOf(8);
      await service.call('POST', `/v1/queues/${queueId}/close`, {
        as: owner,
        body: { expireWaiting: true },
      });
      assert.deepEqual(await told(parties), Array(8).fill(0));
    });

    it('tells a party again that has come back to the front after a snooze or a move', async () => {
      const { owner, parties } = await lineOf(5);
      const [ana, bea, cid, dia, eva] = parties as [Party, Party, Party, Party, Party];
      const to = async ({ id }: Party, position: number) => {
        const body = { position, reason: 'Asked to' };
        const { status } = await service.call('POST', `/v1/parties/${id}/move`, {
          as: owner,
          body,
        });
        assert.equal(status, 200);
      };
      // Within the front, nobody is told again.
      await service.call('POST', `/v1/tickets/${ana.ticket}/snooze`, { body: { places: 2 } });
      assert.deepEqual(await told(parties), [0, 0, 0, 0, 0]);
      await service.call('POST', `/v1/tickets/${bea.ticket}/snooze`, { body: { places: 10 } });
      // Cid, Ana, Dia, Eva, Bea
      assert.deepEqual(await told(parties), [0, 0, 0, 1, 0]);
      await to(dia, 5);
      // Cid, Ana, Eva, Bea, Dia
      assert.deepEqual(await told(parties), [0, 0, 0, 1, 1]);
      await move(cid, 'seat', owner);
      assert.deepEqual(await told(parties), [0, 1, 0, 1, 1]);
      await to(dia, 1);
      assert.deepEqual(await told(parties), [0, 1, 0, 2, 1]);
      // Dia, Ana, Eva, Bea; Bea is told again when she is third, since she was put back by others only.
      await move(eva, 'leave', owner);
      assert.deepEqual(await told(parties), [0, 1, 0, 2, 0]);
    });
  });

  it('are deleted with the venue', async () => {
    const { owner, queueId, venueId } = await service.openLine();
    const party = await add(queueId, owner);
    await move(party, 'call', owner);
    await service.db
      .updateTable('tasks')
      .set({ state: 'done' })
      .where('party_id', '=', uuidToBytes(party.id))
      .where('kind', '=', 'notify.joined')
      .execute();
    const { status } = await service.call('DELETE', `/v1/venues/${venueId}`, { as: owner });
    assert.equal(status, 204);
    // Scheduled tasks go at once, the others with the rest of the venue’s data.
    const left = (await tasksOf(service, { venueId })).filter(
      ({ kind }) => kind !== 'queue.delete',
    );
    assert.deepEqual(
      left.map(({ state }) => state),
      ['done'],
    );
    await service.eraseDeleted(venueId);
    assert.deepEqual(await tasksOf(service, { venueId }), []);
  });
});
