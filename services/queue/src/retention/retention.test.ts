import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { createHousekeeping } from '../housekeeping.ts';
import { retentionErase } from '../tasks/kinds/retention-erase.ts';
import { insertTask, tasksOf } from '../tasks/testing.ts';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';
import { planRetention } from './plan-retention.ts';

const day = 86_400;

describe('what is kept of a guest', () => {
  let service: QueueService;

  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const run = (venueId: string) =>
    retentionErase.handle(service.deps, {
      task: { venueId, taskId: newId(service.clock), attempt: 1 },
      kind: retentionErase.kind,
      queueId: null,
      partyId: null,
      payload: {},
    });

  const planned = async (venueId: string) =>
    (await tasksOf(service, { venueId, kind: retentionErase.kind })).length;

  async function personsOf(queueId: string): Promise<string[]> {
    const rows = await service.db
      .selectFrom('personal')
      .select('name')
      .where('queue_id', '=', uuidToBytes(queueId))
      .orderBy('name')
      .execute();
    return rows.map(({ name }) => name);
  }

  async function reasonsOf(queueId: string): Promise<string[]> {
    const rows = await service.db
      .selectFrom('reasons')
      .select('text')
      .where('queue_id', '=', uuidToBytes(queueId))
      .orderBy('seq')
      .execute();
    return rows.map(({ text }) => text);
  }

  async function join(queueId: string, owner: string, name: string) {
    const { status, body } = await service.add(queueId, owner, { name });
    assert.equal(status, 201);
    return body;
  }

  async function move(party: { id: string; ticket: string }, how: string, as: string, why = '') {
    const body = why === '' ? undefined : { reason: why };
    const answer = await service.move(party, how, as, undefined, body);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
  }

  it('goes when the visit has been over for 30 days, to the second, however it ended', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    const ends: Record<string, string[]> = {
      Dora: ['seat', 'depart'],
      Lea: ['leave'],
      Nora: ['call', 'no-show'],
      Rosa: ['remove'],
      Sara: ['seat'],
    };
    for (const [name, moves] of Object.entries(ends)) {
      const party = await join(queueId, owner, name);
      for (const how of moves) await move(party, how, owner);
    }
    await join(queueId, owner, 'Waits');
    await move(await join(queueId, owner, 'Was called'), 'call', owner);
    const satLater = await join(queueId, owner, 'Sat later');
    service.clock.advance(1);
    await move(await join(queueId, owner, 'Came later'), 'remove', owner);
    await move(satLater, 'seat', owner);
    const later = ['Came later', 'Sat later'];
    const everyone = [...Object.keys(ends), ...later, 'Waits', 'Was called'].sort();

    service.clock.advance(30 * day - 2);
    await run(venueId);
    assert.deepEqual(await personsOf(queueId), everyone);
    service.clock.advance(1);
    await run(venueId);
    assert.deepEqual(await personsOf(queueId), [...later, 'Waits', 'Was called']);
    service.clock.advance(1);
    await run(venueId);
    assert.deepEqual(await personsOf(queueId), ['Waits', 'Was called']);
  });

  it('counts from the end of a visit, not from its beginning, and for as long as the venue says', async () => {
    const { owner, venueId, queueId } = await service.openLine({}, { retentionDays: 3 });
    const party = await join(queueId, owner, 'Stays long');
    service.clock.advance(10 * day);
    await move(party, 'seat', owner);
    service.clock.advance(day);
    await move(party, 'depart', owner);
    service.clock.advance(3 * day - 1);
    await run(venueId);
    assert.deepEqual(await personsOf(queueId), ['Stays long']);
    service.clock.advance(1);
    await run(venueId);
    assert.deepEqual(await personsOf(queueId), []);
  });

  it('goes from deleted queues too, and from no other venue', async () => {
    const [mine, other] = [await service.openLine(), await service.openLine()];
    for (const { owner, queueId } of [mine, other]) {
      await join(queueId, owner, 'Ana');
      await service.call('DELETE', `/v1/queues/${queueId}`, { as: owner });
    }
    service.clock.advance(30 * day);
    await run(mine.venueId);
    assert.deepEqual(await personsOf(mine.queueId), []);
    assert.deepEqual(await personsOf(other.queueId), ['Ana']);
  });

  it('goes with what people wrote about it, while what happened stays', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    const old = await join(queueId, owner, 'Ana Lima');
    await move(old, 'remove', owner, 'Ana shouted');
    const occupancy = `/v1/venues/${venueId}/occupancy`;
    const click = (reason: string) =>
      service.call('POST', occupancy, { as: owner, body: { delta: 1, reason } });
    assert.equal((await click('Friends of Ana')).status, 200);
    service.clock.advance(1);
    const recent = await join(queueId, owner, 'Bea');
    await move(recent, 'remove', owner, 'Bea went home');
    assert.equal((await click('Friends of Bea')).status, 200);
    const before = await service.eventsOf(queueId);

    service.clock.advance(30 * day - 1);
    await run(venueId);
    assert.deepEqual(await reasonsOf(queueId), ['Bea went home']);
    const changes = await service.db
      .selectFrom('occupancy_changes')
      .select(['delta', 'reason'])
      .where('venue_id', '=', uuidToBytes(venueId))
      .orderBy('seq')
      .execute();
    assert.deepEqual(changes, [
      { delta: 1, reason: null },
      { delta: 1, reason: 'Friends of Bea' },
    ]);
    assert.deepEqual(await service.eventsOf(queueId), before);

    const { body: erased } = await service.call('GET', `/v1/parties/${old.id}`, { as: owner });
    assert.deepEqual(
      { name: erased.name, email: erased.email, phone: erased.phone, notes: erased.notes },
      { name: null, email: null, phone: null, notes: null },
    );
    assert.deepEqual(
      { number: erased.number, size: erased.size, joinedAt: erased.joinedAt, state: erased.state },
      { number: old.number, size: old.size, joinedAt: old.joinedAt, state: 'removed' },
    );
    const listed = await service.listAll(queueId, owner, '&state=removed');
    assert.deepEqual(listed.map(({ name }) => name).sort(), ['Bea', null]);
    assert.deepEqual(
      (await service.listAll(queueId, owner, '&state=removed&q=bea')).map(({ id }) => id),
      [recent.id],
    );
    assert.deepEqual(await service.listAll(queueId, owner, '&state=removed&q=ana'), []);
    const { body: events } = await service.call('GET', `/v1/parties/${old.id}/events`, {
      as: owner,
    });
    assert.deepEqual(
      events.data.map(({ type, reason }: { type: string; reason: string | null }) => [
        type,
        reason,
      ]),
      [
        ['party.joined', null],
        ['party.removed', null],
      ],
    );
  });

  it('stays gone: whoever comes back has no name and gets no mail, also when a host writes one', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    const { body: party } = await service.add(queueId, owner, { email: 'ana@example.com' });
    await move(party, 'remove', owner);
    service.clock.advance(30 * day);
    await run(venueId);
    await move(party, 'restore', owner);
    const { status } = await service.call('PATCH', `/v1/parties/${party.id}`, {
      as: owner,
      body: { name: 'Ana', email: 'ana@example.com' },
    });
    assert.equal(status, 200);
    await move(party, 'call', owner);
    const { body: shown } = await service.call('GET', `/v1/parties/${party.id}`, { as: owner });
    assert.deepEqual([shown.state, shown.name, shown.email], ['called', null, null]);
    assert.deepEqual(
      (await tasksOf(service, { partyId: party.id, kind: 'notify.called' })).length,
      0,
    );
    const { body: view } = await service.call('GET', `/v1/tickets/${party.ticket}`);
    assert.deepEqual([view.state, view.name], ['called', null]);
  });

  it('is kept of a party that stands in the line again, also when both happen at once', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    const parties = [];
    for (let index = 0; index < 40; index += 1) {
      const party = await join(queueId, owner, `Guest ${index}`);
      await move(party, 'remove', owner);
      parties.push(party);
    }
    service.clock.advance(30 * day);
    const [, , ...answers] = await Promise.all([
      run(venueId),
      run(venueId),
      ...parties.map(async (party, index) =>
        index % 2 === 0
          ? service.move(party, 'restore', owner)
          : service.call('PATCH', `/v1/parties/${party.id}`, {
              as: owner,
              body: { name: `New ${index}`, size: 3 },
            }),
      ),
    ]);
    for (const { status } of answers) assert.equal(status, 200);
    await run(venueId);
    // Whichever came first: what is over has no name. Of the others some have theirs, and keep it.
    const kept = await personsOf(queueId);
    for (const { name } of await service.listAll(queueId, owner, '&state=removed')) {
      assert.equal(name, null);
    }
    const waiting = await service.listAll(queueId, owner);
    assert.equal(waiting.length, 20);
    assert.deepEqual(waiting.flatMap(({ name }) => name ?? []).sort(), kept);
    await run(venueId);
    assert.deepEqual(await personsOf(queueId), kept);
  });

  it('is looked at again under its lock: one restored in the meantime keeps its name', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    const party = await join(queueId, owner, 'Ana');
    await move(party, 'remove', owner);
    await move(await join(queueId, owner, 'Bea'), 'remove', owner);
    service.clock.advance(30 * day);
    const restoring = await service.db.startTransaction().execute();
    try {
      await restoring
        .updateTable('parties')
        .set({ state: 'waiting', ended_at: null })
        .where('queue_id', '=', uuidToBytes(queueId))
        .where('id', '=', uuidToBytes(party.id))
        .execute();
      // Waits for nobody, and leaves alone what somebody has in hand.
      await run(venueId);
      assert.deepEqual(await personsOf(queueId), ['Ana']);
    } finally {
      await restoring.commit().execute();
    }
    await run(venueId);
    assert.deepEqual(await personsOf(queueId), ['Ana']);
  });

  it('goes in chunks; what a crash interrupts goes on where it stood', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    const names = Array.from({ length: 1_300 }, (_, index) => `Guest ${1_000 + index}`);
    await service.fill(
      queueId,
      names.map((name) => ({ name, state: 'removed' })),
    );
    await service.db
      .updateTable('parties')
      .set({ ended_at: service.clock.now() })
      .where('queue_id', '=', uuidToBytes(queueId))
      .execute();
    // Later, and so behind the others in the order of ids.
    service.clock.advance(1);
    await join(queueId, owner, 'Waits');
    service.clock.advance(30 * day);

    // The second chunk is in nobody's reach: the connection breaks in the middle.
    let transactions = 0;
    const db = new Proxy(service.db, {
      get(target, property) {
        if (property === 'transaction' && ++transactions === 2) throw new Error('killed');
        const value = Reflect.get(target, property, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const task = {
      task: { venueId, taskId: newId(service.clock), attempt: 1 },
      kind: retentionErase.kind,
      queueId: null,
      partyId: null,
      payload: {},
    };
    await assert.rejects(retentionErase.handle({ ...service.deps, db }, task), /killed/);
    assert.equal((await personsOf(queueId)).length, 801);
    await retentionErase.handle(service.deps, task);
    assert.deepEqual(await personsOf(queueId), ['Waits']);
  });

  describe('is planned', () => {
    it('a day after the venue was made, then daily, once by however many instances', async () => {
      const { venueId } = await service.openLine();
      const sweeps = () =>
        Promise.all(Array.from({ length: 5 }, () => createHousekeeping(service.deps).sweep()));
      service.clock.advance(day - 1);
      await sweeps();
      assert.equal(await planned(venueId), 0);
      service.clock.advance(1);
      await sweeps();
      assert.equal(await planned(venueId), 1);
      const [task] = await tasksOf(service, { venueId, kind: retentionErase.kind });
      assert.deepEqual(
        [task?.state, task?.run_at, task?.queue_id, task?.party_id, task?.payload],
        ['scheduled', service.clock.now(), null, null, '{}'],
      );
      for (const [state, count] of [
        ['scheduled', 1],
        ['running', 2],
        ['failed', 3],
        ['done', 4],
      ] as const) {
        await service.db
          .updateTable('tasks')
          .set({ state })
          .where('venue_id', '=', uuidToBytes(venueId))
          .execute();
        service.clock.advance(day);
        await sweeps();
        assert.equal(await planned(venueId), count, state);
        await sweeps();
        assert.equal(await planned(venueId), count, state);
      }
    });

    it('also when what is swept before it cannot be', async () => {
      const { venueId } = await service.openLine();
      service.clock.advance(day);
      const db = new Proxy(service.db, {
        get(target, property) {
          if (property === 'deleteFrom') throw new Error('cannot be swept');
          const value = Reflect.get(target, property, target);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
      await createHousekeeping({ ...service.deps, db }).sweep();
      assert.equal(await planned(venueId), 1);
    });

    it('at once when a venue wants to keep less, not when it wants to keep more', async () => {
      const { owner, venueId } = await service.openLine();
      const patch = (body: object) =>
        service.call('PATCH', `/v1/venues/${venueId}`, { as: owner, body });
      for (const body of [{ retentionDays: 40 }, { retentionDays: 40 }, { name: 'Casa' }]) {
        assert.equal((await patch(body)).status, 200);
        while ((await planRetention(service.deps)) > 0);
        assert.equal(await planned(venueId), 0);
      }
      assert.equal((await patch({ retentionDays: 39 })).body.retentionDays, 39);
      while ((await planRetention(service.deps)) > 0);
      assert.equal(await planned(venueId), 1);
    });

    it('not for venues that were deleted', async () => {
      const { owner, venueId } = await service.openLine();
      await service.call('DELETE', `/v1/venues/${venueId}`, { as: owner });
      service.clock.advance(day);
      while ((await planRetention(service.deps)) > 0);
      assert.equal(await planned(venueId), 0);
      await run(venueId);
    });
  });
});

describe('a deleted venue', () => {
  let service: QueueService;

  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  it('is announced with its deletion, and leaves nothing of a person behind, however often', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    const other = await service.openLine();
    for (const line of [{ owner, queueId, venueId }, other]) {
      const { body: party } = await service.add(line.queueId, line.owner, {
        email: 'ana@example.com',
      });
      await service.move(party, 'remove', line.owner, undefined, { reason: 'Ana shouted' });
      await service.call('POST', `/v1/venues/${line.venueId}/occupancy`, {
        as: line.owner,
        body: { delta: 1, reason: 'Friends of Ana' },
      });
      await insertTask(service, line.venueId, { state: 'failed', last_error: '550 No' });
    }
    await service.fill(
      queueId,
      Array.from({ length: 1_100 }, (_, index) => ({ name: `Guest ${index}`, state: 'waiting' })),
    );
    const traces = async (line: { venueId: string; queueId: string }) => {
      const [venue, queue] = [uuidToBytes(line.venueId), uuidToBytes(line.queueId)];
      const { db } = service;
      const counts = await Promise.all([
        db.selectFrom('personal').select('queue_id').where('queue_id', '=', queue).execute(),
        db.selectFrom('reasons').select('queue_id').where('queue_id', '=', queue).execute(),
        db
          .selectFrom('occupancy_changes')
          .select('reason')
          .where('venue_id', '=', venue)
          .where('reason', 'is not', null)
          .execute(),
        db
          .selectFrom('tasks')
          .select('state')
          .where('venue_id', '=', venue)
          .where('state', '!=', 'scheduled')
          .execute(),
        db.selectFrom('members').select('role').where('venue_id', '=', venue).execute(),
      ]);
      return counts.map(({ length }) => length);
    };
    assert.deepEqual(await traces({ venueId, queueId }), [1_101, 1, 1, 1, 1]);

    const { status } = await service.call('DELETE', `/v1/venues/${venueId}`, { as: owner });
    assert.equal(status, 204);
    assertProblem(await service.call('GET', `/v1/venues/${venueId}`, { as: owner }), 'not-found');
    const [row, ...none] = await service.eventsOf(venueId);
    assert.deepEqual(none, []);
    assert.deepEqual([row?.type, JSON.parse(row?.data ?? '{}')], ['venue.deleted', { venueId }]);
    assert.deepEqual([row?.seq, row?.relay_at], [1, service.clock.now()]);

    await Promise.all([service.eraseDeleted(venueId), service.eraseDeleted(venueId)]);
    assert.deepEqual(await traces({ venueId, queueId }), [0, 0, 0, 0, 0]);
    await service.eraseDeleted(venueId);
    assert.deepEqual(await traces(other), [1, 1, 1, 1, 1]);
  });
});
