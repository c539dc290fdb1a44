import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Party, type PartyState, partyStates } from '@queue-manager/contracts/parties';
import { partyMoves } from '@queue-manager/contracts/party-moves';
import { limits } from '@queue-manager/contracts/values';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { createHousekeeping } from '../housekeeping.ts';
import { callExpire } from '../tasks/kinds/call-expire.ts';
import { dueTaskOf, kindsOf, tasksOf } from '../tasks/testing.ts';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';
import { done, moveReason, openLineOf } from './testing.ts';

/** How a move stands in an address, and what it cannot do without. */
const staffMoves = {
  call: ['call'],
  seat: ['seat'],
  depart: ['depart'],
  noShow: ['no-show'],
  remove: ['remove', { reason: moveReason }],
  restore: ['restore'],
  move: ['move', { position: 3, reason: moveReason }],
} as const satisfies { [M in keyof typeof partyMoves]?: readonly [string, object?] };

/** The moves that lead to a state. */
const ways: Record<PartyState, string[]> = {
  waiting: [],
  called: ['call', 'confirm'],
  seated: ['call', 'seat'],
  departed: ['seat', 'depart'],
  no_show: ['call', 'no-show'],
  left: ['leave'],
  removed: ['call', 'remove'],
};

describe('taking back what staff did', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const seqOf = async (party: Party, as: string): Promise<number> =>
    done(await service.call('GET', `/v1/parties/${party.id}`, { as })).seq;
  const undo = async (party: Party, as: string, seq?: number, key?: string) =>
    service.move(party, 'undo', as, key, { seq: seq ?? (await seqOf(party, as)) });
  const patch = (party: Party, as: string, body: object) =>
    service.call('PATCH', `/v1/parties/${party.id}`, { as, body });

  /** Everything that is kept of a party and its line, but for numbers of events. */
  async function kept({ queueId, venueId, party }: Kept) {
    const { db } = service;
    const row = async (table: 'parties' | 'personal', column: 'id' | 'party_id') =>
      db
        .selectFrom(table)
        .selectAll()
        .where('queue_id', '=', uuidToBytes(queueId))
        .where(column as 'id', '=', uuidToBytes(party.id))
        .executeTakeFirst();
    const { occupancy } = await db
      .selectFrom('venues')
      .select('occupancy')
      .where('id', '=', uuidToBytes(venueId))
      .executeTakeFirstOrThrow();
    const { waiting, called } = await service.rowOf(queueId);
    const { seq: _, ...columns } = (await row('parties', 'id')) as { seq: number };
    return { columns, person: await row('personal', 'party_id'), occupancy, waiting, called };
  }
  type Kept = { queueId: string; venueId: string; party: Party };

  const eventsOf = async (party: Party, as: string) =>
    done(await service.call('GET', `/v1/parties/${party.id}/events`, { as })).data;

  for (const [name, [path, body]] of Object.entries(staffMoves)) {
    for (const from of partyMoves[name as keyof typeof staffMoves].from) {
      it(`puts everything back as it was before ${name} of a party that is ${from}`, async () => {
        const line = await openLineOf(service, 4);
        const [, party] = line.parties as [Party, Party];
        for (const way of ways[from]) {
          service.clock.advance(7);
          await line.act(party, way);
        }
        const before = await kept({ ...line, party });
        service.clock.advance(7);
        const moved = done(await service.move(party, path, line.owner, undefined, body));
        service.clock.advance(limits.undoSeconds);
        const answer = done(await undo(party, line.owner, moved.seq));
        assert.deepEqual(await kept({ ...line, party }), before);
        assert.equal(answer.state, from);
        const last = (await eventsOf(party, line.owner)).at(-1);
        assert.deepEqual(
          [last.type, last.previousState, last.undone, last.actor.userId],
          [
            'party.undone',
            moved.state,
            { seq: moved.seq, type: partyMoves[name as keyof typeof staffMoves].event },
            line.owner,
          ],
        );
        await service.assertSound(line.queueId);
      });
    }
  }

  it('has a way to each state', () =>
    assert.deepEqual(Object.keys(ways).sort(), [...partyStates].sort()));

  it('puts a party that was called next back to the front, for a colleague too', async () => {
    const line = await openLineOf(service, 3);
    const colleague = await service.member(line.venueId, 'host');
    const before = await line.order();
    const called = done(
      await service.call('POST', `/v1/queues/${line.queueId}/call-next`, { as: line.owner }),
    );
    done(await undo(called, colleague, called.seq));
    assert.deepEqual(await line.order(), before);
    const stranger = (await service.openLine()).owner;
    assertProblem(await undo(called, stranger, called.seq + 1), 'not-found');
  });

  it('puts back name, size and contacts, and keeps what they were for two minutes', async () => {
    const line = await service.openLine();
    const add = { email: 'ana@example.com', phone: '+351912345678', notes: 'Window', size: 2 };
    const { body: party } = await service.add(line.queueId, line.owner, add);
    const before = await kept({ ...line, party });
    const changes = { name: 'Anna', size: 3, email: null, phone: null, notes: 'Door' };
    const changed = done(await patch(party, line.owner, changes));
    assert.equal(changed.name, 'Anna');
    const back = done(await undo(party, line.owner, changed.seq));
    assert.deepEqual([back.name, back.size, back.email], ['Ana Lima', 2, 'ana@example.com']);
    assert.deepEqual(await kept({ ...line, party }), before);
    const { length } = await service.db.selectFrom('old_persons').selectAll().execute();
    assert.equal(length, 0);
    const { seq } = done(await patch(party, line.owner, { name: 'Anna' }));
    await service.db.deleteFrom('personal').where('party_id', '=', uuidToBytes(party.id)).execute();
    assert.equal(done(await undo(party, line.owner, seq)).name, null, 'erased data stays erased');
  });

  it('deletes what they were after two minutes, and with the venue', async () => {
    const kept = async (queueId: string) =>
      (
        await service.db
          .selectFrom('old_persons')
          .select('seq')
          .where('queue_id', '=', uuidToBytes(queueId))
          .execute()
      ).length;
    const line = await service.openLine();
    const { body: party } = await service.add(line.queueId, line.owner);
    done(await patch(party, line.owner, { name: 'Anna' }));
    service.clock.advance(2 * limits.undoSeconds - 1);
    await createHousekeeping(service.deps).sweep();
    assert.equal(await kept(line.queueId), 1);
    service.clock.advance(1);
    await createHousekeeping(service.deps).sweep();
    assert.equal(await kept(line.queueId), 0);

    done(await patch(party, line.owner, { name: 'Anne' }));
    await service.call('DELETE', `/v1/venues/${line.venueId}`, { as: line.owner });
    await service.eraseDeleted(line.venueId);
    assert.equal(await kept(line.queueId), 0);
  });

  it('removes a party that was added, and frees what a bigger party took', async () => {
    const line = await service.openLine({}, { capacity: 10 });
    const { body: added } = await service.add(line.queueId, line.owner);
    assert.equal(done(await undo(added, line.owner, added.seq)).state, 'removed');
    const { body: party } = await service.add(line.queueId, line.owner, { size: 2 });
    done(await service.move(party, 'seat', line.owner));
    const before = await kept({ ...line, party });
    const { seq } = done(await patch(party, line.owner, { size: 8 }));
    assert.equal((await kept({ ...line, party })).occupancy, 8);
    done(await undo(party, line.owner, seq));
    assert.deepEqual(await kept({ ...line, party }), before);
    await service.assertSound(line.queueId);
  });

  it('counts those who never left, also beyond the capacity, and records that', async () => {
    const line = await service.openLine({}, { capacity: 4 });
    const { body: party } = await service.add(line.queueId, line.owner, { size: 4 });
    const { body: other } = await service.add(line.queueId, line.owner, { size: 3 });
    done(await service.move(party, 'seat', line.owner));
    const { seq } = done(await service.move(party, 'depart', line.owner));
    done(await service.move(other, 'seat', line.owner));
    done(await undo(party, line.owner, seq));
    assert.equal((await kept({ ...line, party })).occupancy, 7);
    assert.equal((await eventsOf(party, line.owner)).at(-1).override, true);
    const changes = await service.call('GET', `/v1/venues/${line.venueId}/occupancy/changes`, {
      as: line.owner,
    });
    const [{ delta, occupancy, override }] = done(changes).data;
    assert.deepEqual({ delta, occupancy, override }, { delta: 4, occupancy: 7, override: true });
  });

  it('counts in exactly as many as it had counted out', async () => {
    const line = await service.openLine();
    const { body: party } = await service.add(line.queueId, line.owner, { size: 4 });
    done(await service.move(party, 'seat', line.owner));
    await service.call('POST', `/v1/venues/${line.venueId}/occupancy`, {
      as: line.owner,
      body: { delta: -3 },
    });
    const { seq } = done(await service.move(party, 'depart', line.owner));
    assert.equal((await kept({ ...line, party })).occupancy, 0);
    done(await undo(party, line.owner, seq));
    assert.equal((await kept({ ...line, party })).occupancy, 1);
  });

  it('gives a party its own place back in front of one that was moved there meanwhile', async () => {
    const line = await openLineOf(service, 5);
    const [, second, third, fourth] = line.parties as [Party, Party, Party, Party];
    const { seq } = done(await line.put(second, 5));
    done(await line.put(fourth, 2));
    assert.deepEqual(await line.order(), [1, 4, 3, 5, 2]);
    done(await undo(second, line.owner, seq));
    assert.deepEqual(await line.order(), [1, 2, 4, 3, 5]);
    const rows = await service.db
      .selectFrom('parties')
      .select('order_key')
      .where('queue_id', '=', uuidToBytes(line.queueId))
      .execute();
    assert.equal(new Set(rows.map(({ order_key }) => order_key.toString('hex'))).size, 5);
    assert.ok(third);
  });

  it('refuses what guests and timers did, what was taken back, what is over, and what has changed', async () => {
    const line = await openLineOf(service, 2);
    const [party, other] = line.parties as [Party, Party];
    done(await service.move(party, 'call', line.owner));
    const { seq } = done(await service.call('GET', `/v1/parties/${party.id}`, { as: line.owner }));
    done(await service.move(party, 'confirm', line.owner));
    assertProblem(await undo(party, line.owner, seq), 'party-changed');
    assertProblem(await undo(party, line.owner), 'cannot-undo');
    service.clock.advance(24 * 3_600);
    await callExpire.handle(
      service.deps,
      await dueTaskOf(service, { partyId: party.id, kind: 'call.expire' }),
    );
    assertProblem(await undo(party, line.owner), 'cannot-undo');

    done(await service.move(other, 'call', line.owner));
    done(await undo(other, line.owner));
    assertProblem(await undo(other, line.owner), 'cannot-undo');
    done(await service.move(other, 'call', line.owner));
    service.clock.advance(limits.undoSeconds + 1);
    assertProblem(await undo(other, line.owner), 'cannot-undo');
    assertProblem(await undo(other, line.owner, 999), 'party-changed');
    assertProblem(
      await service.move(other, 'undo', line.owner, undefined, {}),
      'validation-failed',
    );
    await service.assertSound(line.queueId);
  });

  it('answers a repeat as the first time, and takes nothing else back', async () => {
    const line = await openLineOf(service, 2);
    const [party] = line.parties as [Party];
    const { seq } = done(await service.move(party, 'call', line.owner));
    const first = done(await undo(party, line.owner, seq, 'undo-1'));
    done(await service.move(party, 'seat', line.owner));
    const again = done(await undo(party, line.owner, seq, 'undo-1'));
    assert.deepEqual([again.state, again.seq], [first.state, first.seq]);
    assert.equal((await eventsOf(party, line.owner)).at(-1).type, 'party.seated');
  });

  it('lets one of two stands take it back, and either a guest or a host win', async () => {
    for (let round = 0; round < 10; round += 1) {
      const line = await openLineOf(service, 2);
      const [party] = line.parties as [Party];
      const { seq } = done(await service.move(party, 'call', line.owner));
      const answers = await Promise.all([
        undo(party, line.owner, seq),
        undo(party, line.owner, seq),
        service.move(party, 'confirm', line.owner),
      ]);
      const [first, second, confirmed] = answers.map(({ status }) => status);
      const won = [first, second].filter((status) => status === 200).length;
      assert.equal(
        won + (confirmed === 200 ? 1 : 0),
        1,
        JSON.stringify([first, second, confirmed]),
      );
      const { state } = done(
        await service.call('GET', `/v1/parties/${party.id}`, { as: line.owner }),
      );
      assert.equal(state, won === 1 ? 'waiting' : 'called');
      await service.assertSound(line.queueId);
    }
  });

  it('gives no number twice', async () => {
    const line = await openLineOf(service, 1);
    const [party] = line.parties as [Party];
    const { seq } = done(await service.move(party, 'seat', line.owner));
    await service.db
      .updateTable('queues')
      .set({ last_number: 0 })
      .where('id', '=', uuidToBytes(line.queueId))
      .execute();
    const { body: other } = await service.add(line.queueId, line.owner);
    assert.equal(other.number, party.number);
    assert.equal(done(await undo(party, line.owner, seq)).number, 2);
  });

  describe('what its guest is told', () => {
    const email = 'ana@example.com';
    /** All mails so far have been sent. */
    const sendAll = (party: Party) =>
      service.db
        .updateTable('tasks')
        .set({ state: 'done' })
        .where('party_id', '=', uuidToBytes(party.id))
        .where('kind', 'like', 'notify.%')
        .execute();
    const open = async () => {
      const line = await service.openLine({ callGraceSeconds: 100 });
      const { body: party } = (await service.add(line.queueId, line.owner, { email })) as {
        body: Party;
      };
      const act = async (move: string) => {
        service.clock.advance(1);
        return done(await service.move(party, move, line.owner)).seq as number;
      };
      return { ...line, party, act };
    };
    const mailsOf = async (party: Party) =>
      (await kindsOf(service, party.id)).filter((kind) => kind.startsWith('notify.'));

    it('nothing of what was not sent yet', async () => {
      for (const [moves, left] of [
        [['call'], ['notify.joined']],
        [['remove'], ['notify.joined']],
        [['call', 'no-show'], ['notify.called']],
        [
          ['call', 'call'],
          ['notify.called', 'notify.joined'],
        ],
      ] as const) {
        const { party, act, owner } = await open();
        let seq = 0;
        for (const move of moves) seq = await act(move);
        done(await undo(party, owner, seq));
        const mails = await mailsOf(party);
        assert.deepEqual(mails.sort(), left, moves.join());
      }
    });

    it('what is true, when it was told what is not', async () => {
      for (const [moves, word] of [
        [['call'], 'notify.restored'],
        [['remove'], 'notify.restored'],
        [['call', 'no-show'], 'notify.called'],
        [['call', 'no-show', 'restore'], 'notify.no-show'],
        [['remove', 'restore'], 'notify.removed'],
        [['leave', 'restore'], 'notify.removed'],
        [['call', 'call'], null],
        [['call', 'seat'], null],
        [['call', 'seat', 'restore'], null],
      ] as const) {
        const { party, act, owner } = await open();
        let seq = 0;
        for (const move of moves) {
          await sendAll(party);
          seq =
            move === 'leave' ? (await service.move(party, move, owner)).body.seq : await act(move);
        }
        await sendAll(party);
        done(await undo(party, owner, seq));
        const tasks = await tasksOf(service, { partyId: party.id });
        const mails = tasks.filter(
          ({ kind, state }) => kind.startsWith('notify.') && state === 'scheduled',
        );
        assert.deepEqual(
          mails.map(({ kind }) => kind),
          word === null ? [] : [word],
          moves.join(),
        );
      }
    });

    it('of a party that was added, only if it was told that it is in line', async () => {
      const { party, owner } = await open();
      done(await undo(party, owner, party.seq));
      assert.deepEqual(await mailsOf(party), []);
      const told = await open();
      await sendAll(told.party);
      done(await undo(told.party, told.owner, told.party.seq));
      assert.deepEqual((await mailsOf(told.party)).sort(), ['notify.joined', 'notify.removed']);
    });

    it('gives an open call its time anew, ends that of none, and lets no earlier timer end a later call', async () => {
      const { party, act, owner } = await open();
      const timers = () => tasksOf(service, { partyId: party.id, kind: 'call.expire' });
      let seq = await act('call');
      const first = await dueTaskOf(service, { partyId: party.id, kind: 'call.expire' });
      done(await undo(party, owner, seq));
      assert.deepEqual(await timers(), []);
      seq = await act('call');
      assert.equal(first.payload.calls, 1);
      await callExpire.handle(service.deps, first);
      assert.equal(
        done(await service.call('GET', `/v1/parties/${party.id}`, { as: owner })).state,
        'called',
      );

      seq = await act('no-show');
      service.clock.advance(30);
      done(await undo(party, owner, seq));
      const [timer, ...none] = await timers();
      assert.deepEqual(none, []);
      assert.equal(timer?.run_at.getTime(), service.clock.now().getTime() + 100_000);
      const { callExpiresAt } = done(
        await service.call('GET', `/v1/parties/${party.id}`, { as: owner }),
      );
      assert.equal(callExpiresAt, timer?.run_at.toISOString());
      service.clock.advance(101);
      await callExpire.handle(
        service.deps,
        await dueTaskOf(service, { partyId: party.id, kind: 'call.expire' }),
      );
      assert.equal(
        done(await service.call('GET', `/v1/parties/${party.id}`, { as: owner })).state,
        'no_show',
      );
    });
  });
});

describe('a decision on a party as it was', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  it('changes nothing once the party is another, and says so', async () => {
    const { owner, queueId } = await service.openLine();
    for (const [move, from] of [
      ['call', 'waiting'],
      ['seat', 'waiting'],
      ['remove', 'waiting'],
      ['no-show', 'called'],
      ['restore', 'called'],
      ['depart', 'seated'],
      ['move', 'waiting'],
    ] as const) {
      const { body: party } = await service.add(queueId, owner);
      for (const way of ways[from]) await service.move(party, way, owner);
      const get = async () =>
        done(await service.call('GET', `/v1/parties/${party.id}`, { as: owner }));
      const { seq } = await get();
      done(
        await service.call('PATCH', `/v1/parties/${party.id}`, { as: owner, body: { size: 3 } }),
      );
      const body = (at: number) => ({
        seq: at,
        ...(move === 'move' ? { position: 1, reason: moveReason } : {}),
      });
      const before = await get();
      assertProblem(await service.move(party, move, owner, undefined, body(seq)), 'party-changed');
      assert.deepEqual(await get(), before);
      const key = `${party.id}-${move}`;
      const first = done(await service.move(party, move, owner, key, body(before.seq)));
      const again = done(await service.move(party, move, owner, key, body(before.seq)));
      assert.equal(again.seq, first.seq);
    }
    await service.assertSound(queueId);
  });

  it('updates a party only as it was, but a repeat is done', async () => {
    const { owner, queueId } = await service.openLine();
    const { body: party } = await service.add(queueId, owner);
    const patch = (body: object) =>
      service.call('PATCH', `/v1/parties/${party.id}`, { as: owner, body });
    const { seq } = done(await patch({ name: 'Anna', seq: party.seq }));
    assert.equal(done(await patch({ name: 'Anna', seq: party.seq })).seq, seq);
    assertProblem(await patch({ name: 'Anne', seq: party.seq }), 'party-changed');
    assert.equal(done(await patch({})).name, 'Anna');
  });
});
