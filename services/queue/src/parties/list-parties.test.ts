import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Party } from '@queue-manager/contracts/parties';
import { newId } from '@queue-manager/service-kit/ids';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';

describe('list parties', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const get = (partyId: string, as: string) =>
    service.call('GET', `/v1/parties/${partyId}`, { as });
  const list = (queueId: string, as: string, query = '') =>
    service.call('GET', `/v1/queues/${queueId}/parties${query}`, { as });
  const idsOf = (parties: Party[]) => parties.map(({ id }) => id);

  it('returns the parties in the order of the line, priority before regular', async () => {
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
    const keysOf = (lane: string) =>
      body.data
        .filter((party: Party) => party.lane === lane)
        .map(({ orderKey }: Party) => orderKey);
    for (const lane of ['priority', 'regular']) {
      assert.deepEqual(keysOf(lane), keysOf(lane).toSorted());
    }
    for (const party of body.data) {
      assert.deepEqual((await get(party.id, owner)).body, party);
    }
    const lane = await list(queueId, owner, '?lane=priority');
    assert.deepEqual(idsOf(lane.body.data), [ids.p1, ids.p2]);
  });

  it('returns waiting and called parties by default, or those in the requested states', async () => {
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

  it('finds names by their start, ignoring case, without wildcards', async () => {
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

  it('finds parties by the start of a name in any Unicode form and case, with or without accents', async () => {
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

  it('finds a party by number, and once if its name starts with it, too', async () => {
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

  it('returns each party once over all pages while others join', async () => {
    const { owner, queueId } = await service.openLine();
    const ids: string[] = [];
    for (let joined = 0; joined < 7; joined += 1) {
      const lane = joined % 3 === 0 ? 'priority' : 'regular';
      ids.push((await service.add(queueId, owner, { name: `Guest ${joined}`, lane })).body.id);
    }
    const before = idsOf((await list(queueId, owner)).body.data);
    assert.deepEqual(new Set(before), new Set(ids));

    for (const query of ['', '&q=guest', '&state=waiting,called,left', '&order=desc']) {
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
        query.includes('desc') ? before.toReversed() : before,
      );
    }
  });

  it('refuses an invalid cursor', async () => {
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
