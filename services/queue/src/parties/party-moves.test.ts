import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Party, type PartyState, partyStates } from '@queue-manager/contracts/parties';
import { type PartyMove, partyMoves } from '@queue-manager/contracts/party-moves';
import { assertProblem, type QueueService, startQueueService, testStart } from '../testing.ts';

/** How a move stands in an address. */
const paths: Record<PartyMove, string> = {
  call: 'call',
  confirm: 'confirm',
  seat: 'seat',
  depart: 'depart',
  noShow: 'no-show',
  leave: 'leave',
  remove: 'remove',
  restore: 'restore',
  move: 'move',
  snooze: 'snooze',
  giveUpCall: 'snooze',
};

/** What a move cannot do without. */
const bodies: Partial<Record<PartyMove, object>> = {
  move: { position: 1, reason: 'Asked to' },
  snooze: { places: 1 },
  giveUpCall: { places: 1, giveUpCall: true },
};

/** The times that a move writes besides the state. */
const times: Record<PartyMove, (keyof Party)[]> = {
  call: ['calledAt'],
  confirm: ['confirmedAt'],
  seat: ['seatedAt'],
  depart: ['departedAt', 'endedAt'],
  noShow: ['endedAt'],
  leave: ['endedAt'],
  remove: ['endedAt'],
  restore: [],
  move: [],
  snooze: [],
  giveUpCall: [],
};

const isGuestMove = (move: PartyMove) => partyMoves[move].by.some((maker) => maker === 'guest');

describe('moves of a party', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  /** The moves that lead to a state. */
  const ways: Record<PartyState, PartyMove[]> = {
    waiting: [],
    called: ['call'],
    seated: ['seat'],
    departed: ['seat', 'depart'],
    no_show: ['call', 'noShow'],
    left: ['leave'],
    removed: ['remove'],
  };

  async function partyIn(state: PartyState, queueId: string, as: string): Promise<Party> {
    const { body } = await service.add(queueId, as);
    for (const move of ways[state]) {
      assert.equal((await service.move(body, paths[move], as)).status, 200);
    }
    return body;
  }

  /** The estimate of one who waits alone. */
  const alone = { p10: 30, p50: 60, p90: 120, model: 'test-1', asOf: testStart };

  for (const move of Object.keys(partyMoves) as PartyMove[]) {
    for (const state of partyStates) {
      // A party that waits again already has no call to give up.
      const made = move === 'giveUpCall' && state === 'waiting' ? 'snooze' : move;
      const { from, to, event } = partyMoves[made];
      const isAllowed = (from as readonly PartyState[]).includes(state);
      it(`${move} is ${isAllowed ? 'done' : 'refused'} when ${state}`, async () => {
        const { owner, venueId, queueId } = await service.openLine();
        const party = await partyIn(state, queueId, owner);
        const seqBefore = (await service.rowOf(queueId)).seq;
        const { body: queueBefore } = await service.call('GET', `/v1/queues/${queueId}`, {
          as: owner,
        });
        const { body: before } = await service.call('GET', `/v1/parties/${party.id}`, {
          as: owner,
        });
        service.clock.advance(60);
        const now = service.clock.now().toISOString();
        const answer = await service.move(party, paths[move], owner, undefined, bodies[move]);
        const { body: queue } = await service.call('GET', `/v1/queues/${queueId}`, { as: owner });
        const { body: read } = await service.call('GET', `/v1/parties/${party.id}`, { as: owner });
        service.clock.set(testStart);

        if (!isAllowed) {
          assertProblem(answer, 'invalid-transition');
          assert.equal((await service.rowOf(queueId)).seq, seqBefore);
          assert.deepEqual([read, queue], [before, queueBefore]);
          return;
        }
        assert.equal(answer.status, 200);
        const after = (seconds: number) =>
          new Date(Date.parse(testStart) + seconds * 1_000).toISOString();
        const changes: Partial<Party> = {
          state: to,
          seq: seqBefore + 1,
          calls: before.calls + (move === 'call' ? 1 : 0),
          position: to === 'waiting' ? 1 : null,
          estimate: to === 'waiting' ? alone : null,
          callExpiresAt: to === 'called' ? after(move === 'confirm' ? 600 : 60 + 300) : null,
        };
        if (move === 'call') changes.confirmedAt = null;
        if (move === 'restore' || move === 'giveUpCall') {
          for (const written of Object.values(times).flat())
            Object.assign(changes, { [written]: null });
        }
        for (const field of times[move]) Object.assign(changes, { [field]: now });
        assert.deepEqual(read, { ...before, ...changes });
        if (!isGuestMove(move)) assert.deepEqual(answer.body, read);
        const count = (counted: PartyState) =>
          (queueBefore[counted] as number) - Number(state === counted) + Number(to === counted);
        assert.deepEqual(
          { waiting: queue.waiting, called: queue.called },
          { waiting: count('waiting'), called: count('called') },
        );

        const last = (await service.eventsOf(queueId)).at(-1);
        assert.deepEqual([last?.type, last?.seq], [event, seqBefore + 1]);
        const data = JSON.parse(last?.data as string);
        assert.equal(data.previousState, state);
        assert.deepEqual(
          data.actor,
          isGuestMove(move) ? { kind: 'guest' } : { kind: 'staff', userId: owner },
        );
        await service.assertSound(queueId);
        const { body: venue } = await service.call('GET', `/v1/venues/${venueId}`, { as: owner });
        assert.equal(venue.occupancy, to === 'seated' ? read.size : 0);
      });
    }
  }

  it('keep the estimate that the guest got on joining', async () => {
    const { owner, queueId } = await service.openLine();
    await service.add(queueId, owner);
    const { body: party } = await service.add(queueId, owner);
    assert.equal(party.quoted.p50, 120);
    for (const move of ['call', 'call', 'seat']) {
      assert.deepEqual((await service.move(party, move, owner)).body.quoted, party.quoted);
    }
    const { body } = await service.call('GET', `/v1/parties/${party.id}`, { as: owner });
    assert.deepEqual(body.quoted, party.quoted);
    assert.equal(body.calls, 2);
  });

  it('store a reason apart from the event', async () => {
    const { owner, queueId } = await service.openLine();
    for (const move of ['call', 'seat', 'remove']) {
      const { body: party } = await service.add(queueId, owner);
      const url = `/v1/parties/${party.id}/${move}`;
      const reason = 'Asked to';
      assert.equal((await service.call('POST', url, { as: owner, body: { reason } })).status, 200);
      const last = (await service.eventsOf(queueId)).at(-1);
      assert.ok(last !== undefined && !last.data.includes(reason));
      const kept = await service.db
        .selectFrom('reasons')
        .select('text')
        .where('queue_id', '=', last.queue_id)
        .where('seq', '=', last.seq)
        .execute();
      assert.deepEqual(kept, [{ text: reason }]);
    }
    const { body: party } = await service.add(queueId, owner);
    for (const [body, path] of [
      [{ reason: '' }, 'reason'],
      [{ reason: 'x'.repeat(201) }, 'reason'],
      [{ why: 'x' }, 'why'],
    ] as const) {
      const answer = await service.call('POST', `/v1/parties/${party.id}/call`, {
        as: owner,
        body,
      });
      assert.deepEqual(assertProblem(answer, 'validation-failed'), [path]);
    }
  });
});
