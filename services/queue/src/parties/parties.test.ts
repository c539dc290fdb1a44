import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Party } from '@queue-manager/contracts/parties';
import { newId } from '@queue-manager/service-kit/ids';
import {
  assertProblem,
  publicUrl,
  type QueueService,
  startQueueService,
  testStart,
} from '../testing.ts';

describe('parties', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const get = (partyId: string, as: string) =>
    service.call('GET', `/v1/parties/${partyId}`, { as });
  const patch = (partyId: string, as: string, body: object) =>
    service.call('PATCH', `/v1/parties/${partyId}`, { as, body });
  const list = (queueId: string, as: string, query = '') =>
    service.call('GET', `/v1/queues/${queueId}/parties${query}`, { as });
  const idsOf = (parties: Party[]) => parties.map(({ id }) => id);

  describe('added by staff', () => {
    it('have defaults for all but the name', async () => {
      const { owner, queueId } = await service.openLine();
      const { status, body } = await service.add(queueId, owner);
      assert.equal(status, 201);
      const { id, ticket, ...rest } = body;
      const estimate = { p10: 30, p50: 60, p90: 120, model: 'test-1', asOf: testStart };
      assert.deepEqual(rest, {
        queueId,
        number: 1,
        ticketUrl: `${publicUrl}/v1/tickets/${ticket}`,
        name: 'Ana Lima',
        size: 1,
        lane: 'regular',
        state: 'waiting',
        email: null,
        phone: null,
        notes: null,
        source: 'staff',
        seq: 2,
        position: 1,
        estimate,
        quoted: estimate,
        joinedAt: testStart,
        calledAt: null,
        confirmedAt: null,
        seatedAt: null,
        departedAt: null,
        endedAt: null,
        calls: 0,
        possibleDuplicate: false,
        notifications: [],
      });
      assert.deepEqual((await get(id, owner)).body, body);
    });

    it('keep every field that is given', async () => {
      const { owner, venueId, queueId } = await service.openLine();
      const host = await service.member(venueId, 'host');
      const { status, body } = await service.add(queueId, host, {
        name: '  José Ñandú 🦤 ',
        size: 4,
        lane: 'priority',
        email: 'Jose@Example.com',
        phone: '912-345-678',
        notes: 'High chair\nWindow',
        locale: 'pt-PT',
      });
      assert.equal(status, 201);
      assert.partialDeepStrictEqual(body, {
        name: 'José Ñandú 🦤',
        size: 4,
        lane: 'priority',
        email: 'Jose@Example.com',
        phone: '+351912345678',
        notes: 'High chair\nWindow',
      });
      assert.deepEqual((await get(body.id, owner)).body, body);
    });

    it('are refused when not valid, naming every field, and leave nothing', async () => {
      const { owner, queueId } = await service.openLine({ maxPartySize: 6 });
      const refused: [object, string][] = [
        [{ name: undefined }, 'name'],
        [{ name: 'x'.repeat(81) }, 'name'],
        [{ name: 'a\u202eb' }, 'name'],
        [{ size: 0 }, 'size'],
        [{ size: 2.5 }, 'size'],
        [{ size: 101 }, 'size'],
        [{ size: '2' }, 'size'],
        [{ lane: 'vip' }, 'lane'],
        [{ email: 'nobody' }, 'email'],
        [{ phone: 'call me' }, 'phone'],
        [{ notes: 'x'.repeat(1_001) }, 'notes'],
        [{ locale: 'xx_yy!' }, 'locale'],
        [{ position: 1 }, 'position'],
        [{ state: 'called' }, 'state'],
      ];
      for (const [body, path] of refused) {
        const answer = await service.add(queueId, owner, body);
        assert.deepEqual(assertProblem(answer, 'validation-failed'), [path]);
      }
      const tooLarge = await service.add(queueId, owner, { size: 7 });
      assert.deepEqual(assertProblem(tooLarge, 'party-too-large'), ['size']);
      assert.equal((await service.eventsOf(queueId)).length, 1);
      assert.equal((await service.add(queueId, owner, { size: 6 })).body.number, 1);
      await service.assertSound(queueId);
    });

    it('are refused while the queue is full, paused or closed', async () => {
      const { owner, queueId } = await service.openLine({ maxWaiting: 2 });
      const { body: first } = await service.add(queueId, owner);
      await service.add(queueId, owner);
      assertProblem(await service.add(queueId, owner), 'queue-full');
      // Whoever is called waits no longer.
      await service.move(first, 'call', owner);
      assert.equal((await service.add(queueId, owner)).status, 201);
      for (const [turn, refusal] of [
        ['pause', 'queue-paused'],
        ['close', 'queue-closed'],
      ] as const) {
        await service.call('POST', `/v1/queues/${queueId}/${turn}`, { as: owner });
        assertProblem(await service.add(queueId, owner), refusal);
      }
      await service.assertSound(queueId);
    });
  });

  describe('in a list', () => {
    it('stand in the order of the line, priority before regular', async () => {
      const { owner, queueId } = await service.openLine();
      const ids: Record<string, string> = {};
      for (const [name, lane] of [
        ['r1', 'regular'],
        ['p1', 'priority'],
        ['r2', 'regular'],
        ['p2', 'priority'],
        ['r3', 'regular'],
      ] as const) {
        ids[name] = (await service.add(queueId, owner, { name, lane })).body.id;
      }
      const { status, body } = await list(queueId, owner);
      assert.equal(status, 200);
      assert.deepEqual(
        body.data.map(({ name }: Party) => name),
        ['p1', 'p2', 'r1', 'r2', 'r3'],
      );
      assert.equal(body.nextCursor, null);
      assert.ok(body.data.every(({ position }: Party) => position !== null));
      for (const party of body.data) {
        assert.deepEqual((await get(party.id, owner)).body, party);
      }
      const lane = await list(queueId, owner, '?lane=priority');
      assert.deepEqual(idsOf(lane.body.data), [ids.p1, ids.p2]);
    });

    it('are those waiting and called, or those in the states asked for', async () => {
      const { owner, queueId } = await service.openLine();
      const parties: Party[] = [];
      for (let joined = 0; joined < 7; joined += 1) {
        parties.push((await service.add(queueId, owner, { name: `Guest ${joined}` })).body);
      }
      const [a, b, c, d, e] = parties as [Party, Party, Party, Party, Party];
      await service.move(b, 'call', owner);
      await service.move(c, 'seat', owner);
      await service.move(d, 'leave', owner);
      await service.move(e, 'remove', owner);
      const [waiting, gone] = [
        [a, ...parties.slice(5)],
        [d, e],
      ];
      const inLine = [a, b, ...parties.slice(5)];
      for (const [query, expected] of [
        ['', inLine],
        ['?state=waiting,called', inLine],
        ['?state=called,waiting,called', inLine],
        ['?state=waiting', waiting],
        ['?state=called', [b]],
        ['?state=seated', [c]],
        ['?state=left,removed', gone],
        ['?state=no_show', []],
        ['?state=waiting,called,seated,departed,no_show,left,removed', parties],
      ] as const) {
        const { body } = await list(queueId, owner, query);
        assert.deepEqual(idsOf(body.data), idsOf([...expected]), query);
      }
      for (const [query, path] of [
        ['?state=', 'state.0'],
        ['?state=waiting,asleep', 'state.1'],
        ['?lane=vip', 'lane'],
        ['?q=', 'q'],
        ['?limit=0', 'limit'],
        ['?size=2', 'size'],
      ] as const) {
        const answer = await list(queueId, owner, query);
        assert.deepEqual(assertProblem(answer, 'validation-failed'), [path], query);
      }
    });

    it('are found by the start of a name in any case, taken as it is written', async () => {
      const { owner, queueId } = await service.openLine();
      for (const name of [
        'Ana Lima',
        'ANABELA',
        'Joana',
        '100% Fun',
        '100 Club',
        'a_b',
        'axb',
        '\\o/',
        'Éva',
      ]) {
        await service.add(queueId, owner, { name });
      }
      for (const [q, names] of [
        ['ana', ['Ana Lima', 'ANABELA']],
        ['ANA L', ['Ana Lima']],
        ['Ana Lima', ['Ana Lima']],
        ['lima', []],
        ['100%', ['100% Fun']],
        ['%', []],
        ['a_', ['a_b']],
        ['_', []],
        ['\\', ['\\o/']],
        ['éV', ['Éva']],
        ['eva', ['Éva']],
        ["'", []],
      ] as const) {
        const { body } = await list(queueId, owner, `?q=${encodeURIComponent(q)}`);
        assert.deepEqual(
          body.data.map(({ name }: Party) => name),
          names,
          q,
        );
      }
    });

    it('are found by the start of a name in any Unicode form and case, with or without accents', async () => {
      const { owner, queueId } = await service.openLine();
      for (const [name, ...typed] of [
        ['Jose\u0301 Nunes', 'jos\u00e9', 'jose\u0301', 'JOSE', 'José  Nu'],
        ['Jos\u00e9 Pinto', 'jose\u0301 p', 'jose p'],
        ['İsmail', 'is', 'İS', 'ıs', 'i\u0307s'],
        ['Weiß', 'WEISS', 'weiß', 'WEIẞ'],
        ['ΝΙΚΟΣΑ', 'νικος', 'Νικοσ'],
        ['Ａｎａ', 'ana', 'ＡＮＡ'],
        ['Lu\u00ads\u200b Li', 'lus l', 'L\u200bus'],
        ['가영', '가', '\u1100\u1161'],
        ['ﬁona', 'fi'],
      ] as const) {
        await service.add(queueId, owner, { name });
        for (const q of typed) {
          const { body } = await list(queueId, owner, `?q=${encodeURIComponent(q)}`);
          const found = body.data.map(({ name }: Party) => name);
          assert.ok(found.includes(name), `${name} by ${q}`);
        }
      }
      for (const q of ['\u0301', '가여', 'kim']) {
        const { body } = await list(queueId, owner, `?q=${encodeURIComponent(q)}`);
        assert.deepEqual(body.data, [], q);
      }
    });

    it('are found by number, and once when the name starts with it too', async () => {
      const { owner, queueId } = await service.openLine();
      const { body: one } = await service.add(queueId, owner, { name: '2 for dinner' });
      const { body: two } = await service.add(queueId, owner, { name: '2 hungry people' });
      const { body: three } = await service.add(queueId, owner, { name: 'Rita' });
      await service.move(three, 'call', owner);
      const found = async (query: string) => idsOf((await list(queueId, owner, query)).body.data);
      assert.deepEqual(await found('?q=2'), [one.id, two.id]);
      assert.deepEqual(await found(`?q=${encodeURIComponent('２')}`), [one.id, two.id]);
      assert.deepEqual(await found('?q=3'), [three.id]);
      assert.deepEqual(await found('?q=3&state=waiting'), []);
      assert.deepEqual(await found('?q=3&lane=priority'), []);
      assert.deepEqual(await found('?q=4'), []);
      assert.deepEqual(await found(`?q=${'9'.repeat(20)}`), []);
    });

    it('come page by page, each once, while others join', async () => {
      const { owner, queueId } = await service.openLine();
      const ids: string[] = [];
      for (let joined = 0; joined < 7; joined += 1) {
        const lane = joined % 3 === 0 ? 'priority' : 'regular';
        ids.push((await service.add(queueId, owner, { name: `Guest ${joined}`, lane })).body.id);
      }
      const before = idsOf((await list(queueId, owner)).body.data);
      assert.deepEqual(new Set(before), new Set(ids));

      for (const query of ['', '&q=guest', '&state=waiting,called,left']) {
        const seen: string[] = [];
        let cursor = '';
        for (let pages = 1; ; pages += 1) {
          const { body } = await list(queueId, owner, `?limit=2${query}${cursor}`);
          assert.ok(body.data.length <= 2);
          seen.push(...idsOf(body.data));
          if (body.nextCursor === null) break;
          cursor = `&cursor=${body.nextCursor}`;
          // Joins behind the page of the list that is being read, or before it.
          if (pages === 1) {
            await service.add(queueId, owner, { name: 'Late Guest', lane: 'priority' });
            await service.add(queueId, owner, { name: 'Late Guest' });
          }
        }
        assert.equal(new Set(seen).size, seen.length);
        assert.deepEqual(
          seen.filter((id) => before.includes(id)),
          before,
        );
      }
    });

    it('refuse a cursor that is none of this list', async () => {
      const { owner, queueId } = await service.openLine();
      await service.add(queueId, owner);
      const id = newId(service.clock);
      const cursors = [
        'x',
        ...[
          [],
          [0, '80'],
          [0, '8', id],
          [0, 'zz', id],
          [2, '8000', id],
          [0.5, '8000', id],
          ['0', '8000', id],
          [0, '8000', 'id'],
          [0, '8000', id, 1],
        ].map((place) => Buffer.from(JSON.stringify(place)).toString('base64url')),
        Buffer.from(`[1e999,"8000","${id}"]`).toString('base64url'),
      ];
      for (const cursor of cursors) {
        const answer = await list(queueId, owner, `?cursor=${cursor}`);
        assert.deepEqual(assertProblem(answer, 'validation-failed'), ['cursor'], cursor);
      }
    });
  });

  describe('changed by staff', () => {
    it('keep what is named, lose what is null, and note it as an event only where it differs', async () => {
      const { owner, queueId } = await service.openLine();
      const { body: party } = await service.add(queueId, owner, {
        email: 'ana@example.com',
        phone: '+351912345678',
        notes: 'Window',
      });
      const changes = {
        name: 'Ana Sousa',
        size: 3,
        email: 'sousa@example.com',
        phone: '900 000 000',
        notes: 'Terrace',
      };
      const changed = await patch(party.id, owner, changes);
      assert.equal(changed.status, 200);
      const expected = { ...party, ...changes, phone: '+351900000000', seq: 3 };
      assert.deepEqual(changed.body, expected);
      assert.deepEqual((await get(party.id, owner)).body, expected);

      for (const same of [{}, changes, { size: 3 }, { name: 'Ana Sousa' }]) {
        const answer = await patch(party.id, owner, same);
        assert.deepEqual([answer.status, answer.body], [200, expected]);
      }
      assert.equal((await service.eventsOf(queueId)).length, 3);

      const cleared = await patch(party.id, owner, { email: null, phone: null, notes: null });
      assert.deepEqual(cleared.body, {
        ...expected,
        email: null,
        phone: null,
        notes: null,
        seq: 4,
      });
      assert.deepEqual(
        (await service.eventsOf(queueId)).map(({ type }) => type),
        ['queue.changed', 'party.joined', 'party.changed', 'party.changed'],
      );
      // Found by the new name, not by the old one.
      assert.equal((await list(queueId, owner, '?q=ana s')).body.data.length, 1);
      assert.equal((await list(queueId, owner, '?q=ana l')).body.data.length, 0);
      await service.assertSound(queueId);
    });

    it('are refused what is not valid', async () => {
      const { owner, queueId } = await service.openLine({ maxPartySize: 6 });
      const { body: party } = await service.add(queueId, owner, { size: 6 });
      for (const [body, path] of [
        [{ name: null }, 'name'],
        [{ name: ' ' }, 'name'],
        [{ size: null }, 'size'],
        [{ email: 'x' }, 'email'],
        [{ lane: 'priority' }, 'lane'],
        [{ state: 'seated' }, 'state'],
      ] as const) {
        const answer = await patch(party.id, owner, body);
        assert.deepEqual(assertProblem(answer, 'validation-failed'), [path]);
      }
      const tooLarge = await patch(party.id, owner, { size: 7, name: 'Rita' });
      assert.deepEqual(assertProblem(tooLarge, 'party-too-large'), ['size']);
      assert.deepEqual((await get(party.id, owner)).body, party);

      // A size that was taken once stays, whatever the queue takes today.
      await service.call('PATCH', `/v1/queues/${queueId}`, {
        as: owner,
        body: { maxPartySize: 4 },
      });
      const renamed = await patch(party.id, owner, { name: 'Rita', size: 6 });
      assert.deepEqual([renamed.status, renamed.body.name], [200, 'Rita']);
      assertProblem(await patch(party.id, owner, { size: 5 }), 'party-too-large');
      assert.equal((await patch(party.id, owner, { size: 4 })).status, 200);
      await service.assertSound(queueId);
    });

    it('can be in any state, and keep their place', async () => {
      const { owner, queueId } = await service.openLine();
      const { body: first } = await service.add(queueId, owner);
      await service.add(queueId, owner);
      assert.equal((await patch(first.id, owner, { size: 5 })).body.position, 1);
      await service.move(first, 'seat', owner);
      const { body } = await patch(first.id, owner, { size: 6 });
      assert.deepEqual([body.state, body.size], ['seated', 6]);
      await service.assertSound(queueId);
    });
  });

  it('have numbers that begin again on every business day of their venue', async () => {
    const { owner, queueId } = await service.openLine({}, { timezone: 'America/New_York' });
    const joined: Party[] = [];
    const joinAt = async (time: string) => {
      service.clock.set(time);
      joined.push((await service.add(queueId, owner)).body);
      if (joined.length < 3) await service.move(joined.at(-1) as Party, 'seat', owner);
      return joined.at(-1)?.number;
    };
    // 04:59 and 05:00 on the wall are 09:59 and 10:00 in UTC.
    assert.deepEqual(
      [
        await joinAt('2026-11-20T23:00:00Z'),
        await joinAt('2026-11-21T04:30:00Z'),
        await joinAt('2026-11-21T09:59:59Z'),
        await joinAt('2026-11-21T10:00:00Z'),
        await joinAt('2026-11-21T10:00:01Z'),
      ],
      [1, 2, 3, 1, 2],
    );
    // The line goes on in the order of joining.
    const numbers = (await service.listAll(queueId, owner)).map(({ number }) => number);
    assert.deepEqual(numbers, [3, 1, 2]);
    service.clock.set(testStart);
  });

  it('are told their place when there is one, and are taken in also when there is none', async () => {
    const { owner, queueId, joinCode } = await service.openLine();
    const { body: before } = await service.add(queueId, owner);
    service.positionApp.state.isAway = true;
    try {
      const added = await service.add(queueId, owner);
      assert.equal(added.status, 201);
      const { position, estimate, quoted, number } = added.body;
      assert.deepEqual(
        { position, estimate, quoted, number },
        { position: null, estimate: null, quoted: null, number: 2 },
      );
      const joined = await service.join(joinCode);
      assert.equal(joined.status, 201);
      assert.deepEqual([joined.body.position, joined.body.estimate], [null, null]);

      const read = await get(before.id, owner);
      assert.deepEqual(read.body, { ...before, position: null, estimate: null });
      const { body: page } = await list(queueId, owner);
      assert.equal(page.data.length, 3);
      assert.ok(page.data.every((party: Party) => party.position === null));
      const called = await service.call('POST', `/v1/queues/${queueId}/call-next`, { as: owner });
      assert.equal(called.body.id, before.id);
      const joinPage = await service.call('GET', `/v1/join/${joinCode}`);
      assert.deepEqual([joinPage.status, joinPage.body.estimate], [200, null]);
      assert.equal(joinPage.body.waiting, 2);
    } finally {
      service.positionApp.state.isAway = false;
    }
  });

  it('are not found by strangers', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    const { body: party } = await service.add(queueId, owner);
    const host = await service.member(venueId, 'host');
    const stranger = (await service.openLine()).owner;
    for (const [method, url, body] of [
      ['GET', `/v1/queues/${queueId}/parties`],
      ['POST', `/v1/queues/${queueId}/parties`, { name: 'Ana' }],
      ['POST', `/v1/queues/${queueId}/call-next`],
      ['GET', `/v1/parties/${party.id}`],
      ['PATCH', `/v1/parties/${party.id}`, { size: 2 }],
      ['POST', `/v1/parties/${party.id}/call`],
      ['POST', `/v1/parties/${party.id}/no-show`],
      ['POST', `/v1/parties/${party.id}/seat`],
      ['POST', `/v1/parties/${party.id}/remove`],
    ] as const) {
      assertProblem(await service.call(method, url, { body }), 'unauthenticated');
      assertProblem(await service.call(method, url, { as: stranger, body }), 'not-found');
      const unknown = url
        .replace(party.id, newId(service.clock))
        .replace(queueId, newId(service.clock));
      assertProblem(await service.call(method, unknown, { as: owner, body }), 'not-found');
    }
    assert.deepEqual((await get(party.id, owner)).body, party);
    assert.equal((await get(party.id, host)).status, 200);
    await service.assertSound(queueId);
  });
});
