import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { retentionErase } from '../tasks/kinds/retention-erase.ts';
import { tasksOf } from '../tasks/testing.ts';
import { type QueueService, startQueueService } from '../testing.ts';

const day = 86_400;

describe('erase personal data', () => {
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

  it('erases 30 days after the visit ended, to the second, however it ended', async () => {
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

  it('counts the venue’s retention days from the end of the visit', async () => {
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

  it('covers deleted queues of the venue, and no other venue', async () => {
    const [mine, other] = [await service.openLine(), await service.openLine()];
    for (const { owner, venueId, queueId } of [mine, other]) {
      await join(queueId, owner, 'Ana');
      await service.call('DELETE', `/v1/queues/${queueId}`, { as: owner });
      await service.clearDeleted(venueId);
    }
    service.clock.advance(30 * day);
    await run(mine.venueId);
    assert.deepEqual(await personsOf(mine.queueId), []);
    assert.deepEqual(await personsOf(other.queueId), ['Ana']);
  });

  it('erases reasons too, and keeps events and figures', async () => {
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

  it('leaves a restored party without name and mail, also after an update', async () => {
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

  it('keeps the data of restored parties, under concurrent restores and updates', async () => {
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
    // Ended parties have no name. Restored ones may have theirs and keep it.
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

  it('rechecks under the lock and skips a party that is being restored', async () => {
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
      // Skips locked rows instead of waiting.
      await run(venueId);
      assert.deepEqual(await personsOf(queueId), ['Ana']);
    } finally {
      await restoring.commit().execute();
    }
    await run(venueId);
    assert.deepEqual(await personsOf(queueId), ['Ana']);
  });

  it('erases in chunks and resumes after a crash', async () => {
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
    // A later id, so behind the others.
    service.clock.advance(1);
    await join(queueId, owner, 'Waits');
    service.clock.advance(30 * day);

    // The second chunk fails.
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
});
