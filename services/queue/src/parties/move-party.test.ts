import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { type Lane, lanes, type Party } from '@queue-manager/contracts/parties';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { keyBetween } from '../line/order-key.ts';
import { laneOf } from '../line/snapshots.ts';
import { kindsOf } from '../tasks/testing.ts';
import { type Answer, assertProblem, type QueueService, startQueueService } from '../testing.ts';

describe('another place in the line', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());
  afterEach(() => {
    service.positionApp.state.isAway = false;
    service.positionApp.state.beforeNeighboursLeave = async () => undefined;
  });

  const reason = 'Grandmother cannot stand';

  async function openLine(count: number, laneAt: (index: number) => Lane = () => 'regular') {
    const line = await service.openLine();
    const parties: Party[] = [];
    for (let index = 0; index < count; index += 1) {
      const body = { name: `Guest ${index + 1}`, lane: laneAt(index) };
      parties.push((await service.add(line.queueId, line.owner, body)).body);
    }
    const put = (party: Party, position: number, key?: string) =>
      service.move(party, 'move', line.owner, key, { position, reason });
    const snooze = (party: Party, places: number, key?: string) =>
      service.move(party, 'snooze', line.owner, key, { places });
    const act = async (party: Party, move: string) => {
      const answer = await service.move(party, move, line.owner);
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      return answer;
    };
    /** Numbers of those waiting, first to last. */
    const order = async () =>
      (await service.listAll(line.queueId, line.owner, '&state=waiting')).map(
        ({ number }) => number,
      );
    return { ...line, parties, put, snooze, act, order };
  }

  function done(answer: Answer): Answer['body'] {
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.body;
  }

  async function rowsOf(queueId: string) {
    return service.db
      .selectFrom('parties')
      .selectAll()
      .where('queue_id', '=', uuidToBytes(queueId))
      .orderBy('lane')
      .orderBy('order_key')
      .execute();
  }

  it('is any from the first to the last, and past the end the end', async () => {
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

  it('is recorded with its reason beside it, also where the party already stood', async () => {
    const { parties, put, owner, queueId } = await openLine(3);
    for (const position of [3, 1]) {
      const before = await rowsOf(queueId);
      const { seq } = done(await put(parties[0] as Party, position));
      const last = (await service.eventsOf(queueId)).at(-1);
      assert.deepEqual([last?.type, last?.seq], ['party.moved', seq]);
      const data = JSON.parse(last?.data ?? '');
      assert.equal(data.position, position);
      assert.deepEqual(data.actor, { kind: 'staff', userId: owner });
      assert.ok(!last?.data.includes(reason));
      const kept = await service.db
        .selectFrom('reasons')
        .select('text')
        .where('queue_id', '=', uuidToBytes(queueId))
        .where('seq', '=', seq)
        .execute();
      assert.deepEqual(kept, [{ text: reason }]);
      done(await put(parties[0] as Party, position));
      const after = await rowsOf(queueId);
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

  it('makes a party of another lane one of those it is put among', async () => {
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

  it('at the end is before whoever joins afterwards', async () => {
    const { parties, put, snooze, order, queueId, owner } = await openLine(3);
    done(await put(parties[0] as Party, 3));
    await service.add(queueId, owner);
    done(await snooze(parties[1] as Party, 10));
    await service.add(queueId, owner);
    assert.deepEqual(await order(), [3, 1, 4, 2, 5]);
    const keys = (await rowsOf(queueId)).map(({ order_key }) => order_key.toString('hex'));
    assert.equal(new Set(keys).size, keys.length);
    assert.equal((await service.rowOf(queueId)).tail_key?.toString('hex'), keys.at(-1));
  });

  it('stays where it was meant when the line moves on meanwhile', async () => {
    const { parties, put, act, order, queueId } = await openLine(6);
    const [, second, third, fourth] = parties as Party[];
    service.positionApp.state.beforeNeighboursLeave = async () => {
      service.positionApp.state.beforeNeighboursLeave = async () => undefined;
      // The two between whom the party is to stand: one goes, one is put at the front.
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

  it('overtakes nobody that it need not, those who may be restored included', async () => {
    const { parties, put, act, order } = await openLine(6);
    const [first, second, third, fourth] = parties as Party[];
    for (const party of [second, third, fourth]) await act(party as Party, 'remove');
    // Directly in front of 5, behind those who are away; then directly behind 5.
    done(await put(parties[5] as Party, 2));
    for (const party of [fourth, second, third]) await act(party as Party, 'restore');
    assert.deepEqual(await order(), [1, 2, 3, 4, 6, 5]);
    for (const party of [second, third, fourth]) await act(party as Party, 'leave');
    done(await put(first as Party, 2));
    for (const party of [fourth, second, third]) await act(party as Party, 'restore');
    assert.deepEqual(await order(), [2, 3, 4, 6, 1, 5]);
  });

  it('is refused when the party is not waiting, is of another venue, or the position is not valid', async () => {
    const { parties, put, act, owner, venueId } = await openLine(2);
    const [party, called] = parties as [Party, Party];
    await act(called, 'call');
    assertProblem(await put(called, 1), 'invalid-transition');
    const url = `/v1/parties/${party.id}/move`;
    const stranger = (await service.openLine()).owner;
    const body = { position: 1, reason };
    assertProblem(await service.call('POST', url, { as: stranger, body }), 'not-found');
    assertProblem(await service.call('POST', url, { body }), 'unauthenticated');
    const host = await service.member(venueId, 'host');
    assert.equal((await service.call('POST', url, { as: host, body })).status, 200);
    for (const [wrong, path] of [
      [{ position: 0, reason }, 'position'],
      [{ position: 1.5, reason }, 'position'],
      [{ position: 1_000_001, reason }, 'position'],
      [{ reason }, 'position'],
      [{ position: 1 }, 'reason'],
      [{ position: 1, reason: ' ' }, 'reason'],
      [{ position: 1, reason, places: 1 }, 'places'],
    ] as const) {
      const answer = await service.call('POST', url, { as: owner, body: wrong });
      assert.deepEqual(assertProblem(answer, 'validation-failed'), [path]);
    }
  });

  it('is taken once for each idempotency key, also while the position service is away', async () => {
    const { parties, put, snooze, order, queueId } = await openLine(3);
    const party = parties[2] as Party;
    const [moveKey, snoozeKey] = [newId(service.clock), newId(service.clock)];
    done(await put(party, 1, moveKey));
    done(await put(parties[1] as Party, 1));
    const guest = parties[0] as Party;
    done(await snooze(guest, 1, snoozeKey));
    const { seq } = await service.rowOf(queueId);
    service.positionApp.state.isAway = true;
    assert.equal(done(await put(party, 1, moveKey)).position, null);
    done(await snooze(guest, 1, snoozeKey));
    assertProblem(await put(party, 2, moveKey), 'idempotency-key-reused');
    assert.equal((await service.rowOf(queueId)).seq, seq);
    service.positionApp.state.isAway = false;
    assert.deepEqual(await order(), [2, 3, 1]);
  });

  it('waits for the position service, and nothing changes without it', async () => {
    const { parties, put, snooze, queueId } = await openLine(2);
    const { seq } = await service.rowOf(queueId);
    service.positionApp.state.isAway = true;
    for (const answer of [
      await put(parties[1] as Party, 1),
      await snooze(parties[0] as Party, 1),
    ]) {
      assertProblem(answer, 'unavailable');
      assert.ok(Number(answer.headers['retry-after']) > 0);
    }
    assert.equal((await service.rowOf(queueId)).seq, seq);
  });

  it('is refused where no key fits any more, and taken beside it', async () => {
    const { parties, put, order, queueId, owner } = await openLine(3);
    const [first, second, third] = parties as [Party, Party, Party];
    const deep = (low: Buffer, high: Buffer): [Buffer, Buffer] => {
      for (let turn = 0; ; turn += 1) {
        try {
          const middle = keyBetween(low, high);
          if (turn % 6 < 3) low = middle;
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
      // The position service learns it by the next event.
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

  it('lets parties that were given the same key once stay together', async () => {
    const { parties, put, order, queueId, owner } = await openLine(4);
    const rows = await rowsOf(queueId);
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

  it('is given by a guest who lets others go first, three times', async () => {
    const { parties, snooze, order, queueId, owner, act } = await openLine(5);
    const [guest, second] = parties as [Party, Party];
    for (const [places, expected] of [
      [2, [2, 3, 1, 4, 5]],
      [1, [2, 3, 4, 1, 5]],
      [10, [2, 3, 4, 5, 1]],
    ] as const) {
      const answer = await snooze(guest, places);
      assert.equal(done(answer).state, 'waiting');
      assert.deepEqual(await order(), expected);
    }
    const last = (await service.eventsOf(queueId)).at(-1);
    const data = JSON.parse(last?.data ?? '');
    assert.deepEqual([data.position, data.actor], [5, { kind: 'guest' }]);
    assertProblem(await snooze(guest, 1), 'snooze-limit-reached');
    // Also after it was called, left and came back.
    await act(guest, 'call');
    assertProblem(await snooze(guest, 1), 'invalid-transition');
    await act(guest, 'restore');
    assertProblem(await snooze(guest, 1), 'snooze-limit-reached');

    const url = `/v1/tickets/${second.ticket}/snooze`;
    for (const body of [{ places: 0 }, { places: 11 }, { places: 1.5 }, {}]) {
      assert.deepEqual(
        assertProblem(await service.call('POST', url, { body }), 'validation-failed'),
        ['places'],
      );
    }
    const forged = `/v1/tickets/${second.ticket.slice(0, -4)}AAAA/snooze`;
    assertProblem(await service.call('POST', forged, { body: { places: 1 } }), 'not-found');
    await service.call('DELETE', `/v1/queues/${queueId}`, { as: owner });
    assertProblem(await snooze(second, 1), 'invalid-transition');
    await service.assertSound(queueId);
  });

  it('counts a snooze also where nobody is let first', async () => {
    const { parties, snooze, order } = await openLine(2);
    const last = parties[1] as Party;
    for (let count = 0; count < 3; count += 1) done(await snooze(last, 1));
    assertProblem(await snooze(last, 1), 'snooze-limit-reached');
    assert.deepEqual(await order(), [1, 2]);
  });

  it('counts every snooze of many at once', async () => {
    const { parties, snooze, queueId } = await openLine(4);
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => snooze(parties[0] as Party, 1)),
    );
    assert.equal(answers.filter(({ status }) => status === 200).length, 3);
    assert.equal(answers.filter(({ status }) => status === 409).length, 7);
    await service.assertSound(queueId);
  });

  it('is the very one it had when a party is restored, wherever it was moved before', async () => {
    const { parties, put, snooze, act, order } = await openLine(5);
    const [a, b, c, d, e] = parties as [Party, Party, Party, Party, Party];
    done(await put(e, 2));
    done(await snooze(a, 3));
    assert.deepEqual(await order(), [5, 2, 3, 1, 4]);
    await act(e, 'leave');
    await act(a, 'seat');
    await act(a, 'depart');
    done(await put(d, 1));
    done(await put(c, 1));
    assert.deepEqual(await order(), [3, 4, 2]);
    await act(a, 'restore');
    assert.deepEqual(await order(), [3, 4, 2, 1]);
    await act(e, 'restore');
    assert.deepEqual(await order(), [5, 3, 4, 2, 1]);
    await act(b, 'call');
    await act(b, 'no-show');
    done(await put(a, 1));
    await act(b, 'restore');
    assert.deepEqual(await order(), [1, 5, 3, 4, 2]);
  });

  it('tells who comes near the front by it, each time, and who is restored that it is', async () => {
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
    it(`is as a model has it after 120 moves at random (seed ${seed})`, async () => {
      let state = seed * 7_919;
      const random = (below: number) => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
        return Math.floor((state / 2 ** 32) * below);
      };
      const line = await openLine(12, () => (random(3) === 0 ? 'priority' : 'regular'));
      // Everybody in the order of their places, also those who do not wait.
      const model: Record<Lane, number[]> = { priority: [], regular: [] };
      for (const { lane, number } of line.parties) model[lane].push(number);
      const away = new Set<number>();
      const waiting = () => lanes.flatMap((lane) => model[lane]).filter((n) => !away.has(n));
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
        if (away.has(number)) {
          await line.act(party, 'restore');
          away.delete(number);
        } else if (random(3) === 0) {
          await line.act(party, ['call', 'seat', 'leave', 'remove'][random(4)] as string);
          away.add(number);
        } else {
          const position = 1 + random(14);
          done(await line.put(party, position));
          putInModel(number, position);
        }
        assert.deepEqual(await line.order(), waiting(), `step ${step}`);
      }
      const rows = await rowsOf(line.queueId);
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
