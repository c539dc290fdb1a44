import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { type Lane, lanes, type Party } from '@queue-manager/contracts/parties';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { keyBetween } from '../line/order-key.ts';
import { laneOf } from '../line/snapshots.ts';
import { kindsOf } from '../tasks/testing.ts';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';
import { done, moveReason, openLineOf, partyRows } from './testing.ts';

describe('move party', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());
  afterEach(() => {
    service.positionApp.state.isUnavailable = false;
    service.positionApp.state.beforeNeighboursLeave = async () => undefined;
  });

  const openLine = (count: number, laneAt?: (index: number) => Lane) =>
    openLineOf(service, count, laneAt);

  it('moves a party to any position, and to the end for a position past it', async () => {
    for (const from of [1, 2, 3, 4, 5]) {
      for (const to of [1, 2, 3, 4, 5, 6, 1_000_000]) {
        const { parties, put, order, queueId } = await openLine(5);
        const party = parties[from - 1] as Party;
        const moved = done(await put(party, to));
        const place = Math.min(to, 5);
        assert.equal(moved.position, place);
        const expected = [1, 2, 3, 4, 5].filter((number) => number !== from);
        expected.splice(place - 1, 0, from);
        assert.deepEqual(await order(), expected, `${from} to ${to}`);
        await service.assertSound(queueId);
      }
    }
  });

  it('records an event and the reason, also when the party is there already', async () => {
    const { parties, put, owner, queueId } = await openLine(3);
    for (const position of [3, 1]) {
      const before = await partyRows(service, queueId);
      const { seq } = done(await put(parties[0] as Party, position));
      const last = (await service.eventsOf(queueId)).at(-1);
      assert.deepEqual([last?.type, last?.seq], ['party.moved', seq]);
      const data = JSON.parse(last?.data ?? '');
      assert.equal(data.position, position);
      assert.deepEqual(data.actor, { kind: 'staff', userId: owner });
      assert.ok(!last?.data.includes(moveReason));
      const kept = await service.db
        .selectFrom('reasons')
        .select('text')
        .where('queue_id', '=', uuidToBytes(queueId))
        .where('seq', '=', seq)
        .execute();
      assert.deepEqual(kept, [{ text: moveReason }]);
      done(await put(parties[0] as Party, position));
      const after = await partyRows(service, queueId);
      assert.equal(after.length, before.length);
      const keyOf = (rows: typeof after) => rows.find(({ number }) => number === 1)?.order_key;
      const again = await service.eventsOf(queueId);
      assert.equal(again.at(-1)?.seq, seq + 1);
      assert.equal(
        JSON.parse(again.at(-1)?.data ?? '').party.orderKey,
        keyOf(after)?.toString('hex'),
      );
      assert.equal(data.party.orderKey, keyOf(after)?.toString('hex'), 'the place was kept');
    }
  });

  it('moves a party to the lane of its neighbours', async () => {
    const line = await openLine(6, (index) => (index < 3 ? 'priority' : 'regular'));
    const { parties, put } = line;
    const laneAfter = async (number: number, position: number) =>
      done(await put(parties[number - 1] as Party, position)).lane;
    // 1 2 3 | 4 5 6
    assert.equal(await laneAfter(6, 4), 'regular', 'the border is its own lane’s too');
    assert.deepEqual(await line.order(), [1, 2, 3, 6, 4, 5]);
    assert.equal(await laneAfter(6, 2), 'priority');
    assert.deepEqual(await line.order(), [1, 6, 2, 3, 4, 5]);
    assert.equal(await laneAfter(1, 4), 'priority');
    assert.deepEqual(await line.order(), [6, 2, 3, 1, 4, 5]);
    assert.equal(await laneAfter(2, 6), 'regular', 'the end');
    assert.deepEqual(await line.order(), [6, 3, 1, 4, 5, 2]);
    assert.equal(await laneAfter(5, 1), 'priority', 'the front');
    assert.deepEqual(await line.order(), [5, 6, 3, 1, 4, 2]);
    await service.assertSound(line.queueId);
  });

  it('puts a party at the end in front of those who join later', async () => {
    const { parties, put, snooze, order, queueId, owner } = await openLine(3);
    done(await put(parties[0] as Party, 3));
    await service.add(queueId, owner);
    done(await snooze(parties[1] as Party, 10));
    await service.add(queueId, owner);
    assert.deepEqual(await order(), [3, 1, 4, 2, 5]);
    const keys = (await partyRows(service, queueId)).map(({ order_key }) =>
      order_key.toString('hex'),
    );
    assert.equal(new Set(keys).size, keys.length);
    assert.equal((await service.rowOf(queueId)).tail_key?.toString('hex'), keys.at(-1));
  });

  it('keeps the intended place when the line changes meanwhile', async () => {
    const { parties, put, act, order, queueId } = await openLine(6);
    const [, second, third, fourth] = parties as Party[];
    service.positionApp.state.beforeNeighboursLeave = async () => {
      service.positionApp.state.beforeNeighboursLeave = async () => undefined;
      // Of the two future neighbours, one is called and one is moved to the front.
      await act(second as Party, 'call');
      done(await put(third as Party, 1));
    };
    done(await put(parties[5] as Party, 3));
    assert.deepEqual(await order(), [3, 1, 6, 4, 5]);
    await act(second as Party, 'restore');
    assert.deepEqual(await order(), [3, 1, 2, 6, 4, 5]);
    service.positionApp.state.beforeNeighboursLeave = async () => {
      service.positionApp.state.beforeNeighboursLeave = async () => undefined;
      await act(fourth as Party, 'call');
    };
    assertProblem(await put(fourth as Party, 1), 'invalid-transition');
    await service.assertSound(queueId);
  });

  it('overtakes as few parties as possible, including those that may be restored', async () => {
    const { parties, put, act, order } = await openLine(6);
    const [first, second, third, fourth] = parties as Party[];
    for (const party of [second, third, fourth]) await act(party as Party, 'remove');
    // Directly in front of 5, behind those that were removed; then directly behind 5.
    done(await put(parties[5] as Party, 2));
    for (const party of [fourth, second, third]) await act(party as Party, 'restore');
    assert.deepEqual(await order(), [1, 2, 3, 4, 6, 5]);
    for (const party of [second, third, fourth]) await act(party as Party, 'leave');
    done(await put(first as Party, 2));
    for (const party of [fourth, second, third]) await act(party as Party, 'restore');
    assert.deepEqual(await order(), [2, 3, 4, 6, 1, 5]);
  });

  it('refuses a party that is not waiting, strangers, and invalid positions', async () => {
    const { parties, put, act, owner, venueId } = await openLine(2);
    const [party, called] = parties as [Party, Party];
    await act(called, 'call');
    assertProblem(await put(called, 1), 'invalid-transition');
    const url = `/v1/parties/${party.id}/move`;
    const stranger = (await service.openLine()).owner;
    const body = { position: 1, reason: moveReason };
    assertProblem(await service.call('POST', url, { as: stranger, body }), 'not-found');
    assertProblem(await service.call('POST', url, { body }), 'unauthenticated');
    const host = await service.member(venueId, 'host');
    assert.equal((await service.call('POST', url, { as: host, body })).status, 200);
    for (const [wrong, path] of [
      [{ position: 0, reason: moveReason }, 'position'],
      [{ position: 1.5, reason: moveReason }, 'position'],
      [{ position: 1_000_001, reason: moveReason }, 'position'],
      [{ reason: moveReason }, 'position'],
      [{ position: 1 }, 'reason'],
      [{ position: 1, reason: ' ' }, 'reason'],
      [{ position: 1, reason: moveReason, places: 1 }, 'places'],
    ] as const) {
      const answer = await service.call('POST', url, { as: owner, body: wrong });
      assert.deepEqual(assertProblem(answer, 'validation-failed'), [path]);
    }
  });

  it('repeats a result by its idempotency key, also while the position service is unavailable', async () => {
    const { parties, put, snooze, order, queueId } = await openLine(3);
    const party = parties[2] as Party;
    const [moveKey, snoozeKey] = [newId(service.clock), newId(service.clock)];
    done(await put(party, 1, moveKey));
    done(await put(parties[1] as Party, 1));
    const guest = parties[0] as Party;
    done(await snooze(guest, 1, snoozeKey));
    const { seq } = await service.rowOf(queueId);
    service.positionApp.state.isUnavailable = true;
    assert.equal(done(await put(party, 1, moveKey)).position, null);
    done(await snooze(guest, 1, snoozeKey));
    assertProblem(await put(party, 2, moveKey), 'idempotency-key-reused');
    assert.equal((await service.rowOf(queueId)).seq, seq);
    service.positionApp.state.isUnavailable = false;
    assert.deepEqual(await order(), [2, 3, 1]);
  });

  it('returns 503 and changes nothing while the position service is unavailable', async () => {
    const { parties, put, snooze, queueId } = await openLine(2);
    const { seq } = await service.rowOf(queueId);
    service.positionApp.state.isUnavailable = true;
    for (const answer of [
      await put(parties[1] as Party, 1),
      await snooze(parties[0] as Party, 1),
    ]) {
      assertProblem(answer, 'unavailable');
      assert.ok(Number(answer.headers['retry-after']) > 0);
    }
    assert.equal((await service.rowOf(queueId)).seq, seq);
  });

  it('refuses a place where no order key is left, and accepts the one beside it', async () => {
    const { parties, put, order, queueId, owner } = await openLine(3);
    const [first, second, third] = parties as [Party, Party, Party];
    const deep = (low: Buffer, high: Buffer): [Buffer, Buffer] => {
      for (let step = 0; ; step += 1) {
        try {
          const middle = keyBetween(low, high);
          if (step % 6 < 3) low = middle;
          else high = middle;
        } catch {
          return [low, high];
        }
      }
    };
    const keys = deep(keyBetween(null, null), keyBetween(keyBetween(null, null), null));
    for (const [index, party] of [first, second].entries()) {
      await service.db
        .updateTable('parties')
        .set({ order_key: keys[index] as Buffer })
        .where('queue_id', '=', uuidToBytes(queueId))
        .where('id', '=', uuidToBytes(party.id))
        .execute();
      // The next event tells the position service.
      done(
        await service.call('PATCH', `/v1/parties/${party.id}`, { as: owner, body: { size: 2 } }),
      );
    }
    const { seq } = await service.rowOf(queueId);
    assertProblem(await put(third, 2), 'place-used-up');
    assert.equal((await service.rowOf(queueId)).seq, seq);
    done(await put(third, 1));
    assert.deepEqual(await order(), [3, 1, 2]);
  });

  it('keeps parties with equal order keys together', async () => {
    const { parties, put, order, queueId, owner } = await openLine(4);
    const rows = await partyRows(service, queueId);
    await service.db
      .updateTable('parties')
      .set({ order_key: rows[1]?.order_key as Buffer })
      .where('queue_id', '=', uuidToBytes(queueId))
      .where('number', '=', 3)
      .execute();
    const twin = parties[2] as Party;
    done(await service.call('PATCH', `/v1/parties/${twin.id}`, { as: owner, body: { size: 2 } }));
    done(await put(parties[3] as Party, 3));
    const twins = [parties[1] as Party, twin]
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .map(({ number }) => number);
    assert.deepEqual(await order(), [1, 4, ...twins]);
    done(await put(parties[0] as Party, 3));
    assert.deepEqual(await order(), [4, ...twins, 1]);
  });

  it('notifies a party each time that it comes near the front, and when it is restored', async () => {
    const { owner, queueId, put, snooze, act, parties } = await openLine(4);
    const email = 'ana@example.com';
    const { body: guest } = await service.add(queueId, owner, { email });
    const kinds = () => kindsOf(service, guest.id);
    done(await put(guest, 4));
    assert.deepEqual(await kinds(), ['notify.joined']);
    done(await snooze(parties[0] as Party, 3));
    assert.deepEqual((await kinds()).toSorted(), ['notify.almost-there', 'notify.joined']);
    done(await put(guest, 1));
    done(await put(guest, 5));
    assert.deepEqual((await kinds()).toSorted(), ['notify.almost-there', 'notify.joined']);
    done(await put(guest, 2));
    assert.deepEqual((await kinds()).toSorted(), [
      'notify.almost-there',
      'notify.almost-there',
      'notify.joined',
    ]);

    const told: [string[], string[]][] = [
      [['remove'], ['notify.restored']],
      [['call', 'no-show'], ['notify.restored']],
      [['leave'], ['notify.restored']],
      [['call'], ['notify.restored']],
      [['seat', 'depart'], []],
    ];
    for (const [moves, expected] of told) {
      for (const move of moves) await act(guest, move);
      await act(guest, 'restore');
      assert.deepEqual(await kinds(), expected, moves.join());
    }
  });

  for (const seed of [1, 2, 3, 4]) {
    it(`agrees with a model after 120 random moves (seed ${seed})`, async () => {
      let state = seed * 7_919;
      const random = (below: number) => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
        return Math.floor((state / 2 ** 32) * below);
      };
      const line = await openLine(12, () => (random(3) === 0 ? 'priority' : 'regular'));
      // All parties in the order of their places, also those that do not wait.
      const model: Record<Lane, number[]> = { priority: [], regular: [] };
      for (const { lane, number } of line.parties) model[lane].push(number);
      const ended = new Set<number>();
      const waiting = () => lanes.flatMap((lane) => model[lane]).filter((n) => !ended.has(n));
      const laneOfNumber = (n: number) => (model.priority.includes(n) ? 'priority' : 'regular');

      function putInModel(number: number, position: number): void {
        const others = waiting().filter((n) => n !== number);
        const from = waiting().indexOf(number) + 1;
        const to = Math.min(position, others.length + 1);
        if (to === from) return;
        const lane = laneOfNumber(number);
        model[lane] = model[lane].filter((n) => n !== number);
        if (to < from) {
          const behind = others[to - 1] as number;
          const there = model[laneOfNumber(behind)];
          there.splice(there.indexOf(behind), 0, number);
        } else {
          const before = others[to - 2] as number;
          const there = model[laneOfNumber(before)];
          there.splice(to > others.length ? there.length : there.indexOf(before) + 1, 0, number);
        }
      }

      for (let step = 0; step < 120; step += 1) {
        const party = line.parties[random(line.parties.length)] as Party;
        const { number } = party;
        if (ended.has(number)) {
          await line.act(party, 'restore');
          ended.delete(number);
        } else if (random(3) === 0) {
          await line.act(party, ['call', 'seat', 'leave', 'remove'][random(4)] as string);
          ended.add(number);
        } else {
          const position = 1 + random(14);
          done(await line.put(party, position));
          putInModel(number, position);
        }
        assert.deepEqual(await line.order(), waiting(), `step ${step}`);
      }
      const rows = await partyRows(service, line.queueId);
      assert.deepEqual(
        rows.map(({ lane, number }) => [laneOf(lane), number]),
        lanes.flatMap((lane) => model[lane].map((number) => [lane, number])),
      );
      const keys = rows.map(({ lane, order_key }) => `${lane} ${order_key.toString('hex')}`);
      assert.equal(new Set(keys).size, keys.length, 'no key is given twice');
      await service.assertSound(line.queueId);
    });
  }
});
