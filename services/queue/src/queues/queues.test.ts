import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { LineEvent } from '@queue-manager/contracts/internal';
import { newId } from '@queue-manager/service-kit/ids';
import { assertProblem, publicUrl, type QueueService, startQueueService } from '../testing.ts';

describe('queues', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const make = (venueId: string, as: string, body: object = {}) =>
    service.call('POST', `/v1/venues/${venueId}/queues`, { as, body: { name: 'Bar', ...body } });
  const get = (queueId: string, as: string) => service.call('GET', `/v1/queues/${queueId}`, { as });
  const turn = (queueId: string, turn: string, as: string, body?: object) =>
    service.call('POST', `/v1/queues/${queueId}/${turn}`, { as, body });
  const eventTypes = async (queueId: string) =>
    (await service.eventsOf(queueId)).map(({ type }) => type);

  it('are made open, with defaults for all but the name', async () => {
    const { owner, venueId } = await service.openLine();
    const { status, body } = await make(venueId, owner);
    assert.equal(status, 201);
    const { id, joinCode, ...rest } = body;
    assert.match(joinCode, /^[0-9A-HJKMNP-TV-Z]{10}$/);
    assert.deepEqual(rest, {
      venueId,
      name: 'Bar',
      text: null,
      endMessage: null,
      state: 'open',
      joinUrl: `${publicUrl}/v1/join/${joinCode}`,
      waiting: 0,
      called: 0,
      maxWaiting: null,
      maxPartySize: 20,
      callGraceSeconds: 300,
      selfJoin: true,
      boardLabels: 'number',
    });
    assert.deepEqual((await get(id, owner)).body, body);
    assert.deepEqual(await eventTypes(id), ['queue.changed']);
  });

  it('keep every field that is given', async () => {
    const { owner, venueId } = await service.openLine();
    const fields = {
      name: 'Guest list',
      text: 'Please have your ID ready.\nThank you!',
      endMessage: 'Enjoy.',
      maxWaiting: 200,
      maxPartySize: 8,
      callGraceSeconds: 600,
      selfJoin: false,
      boardLabels: 'name',
    };
    const { body } = await make(venueId, owner, fields);
    assert.partialDeepStrictEqual(body, fields);
    assert.deepEqual((await get(body.id, owner)).body, body);
  });

  it('refuse what is not valid, naming every field', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    const refused: [object, string][] = [
      [{ name: '' }, 'name'],
      [{ text: 'x'.repeat(2_001) }, 'text'],
      [{ endMessage: 'bell\u0007' }, 'endMessage'],
      [{ maxWaiting: 0 }, 'maxWaiting'],
      [{ maxPartySize: 0 }, 'maxPartySize'],
      [{ maxPartySize: 101 }, 'maxPartySize'],
      [{ maxPartySize: null }, 'maxPartySize'],
      [{ callGraceSeconds: 0 }, 'callGraceSeconds'],
      [{ callGraceSeconds: 86_401 }, 'callGraceSeconds'],
      [{ selfJoin: 'yes' }, 'selfJoin'],
      [{ boardLabels: 'full-name' }, 'boardLabels'],
      [{ state: 'closed' }, 'state'],
      [{ joinCode: 'AAAAAAAAAA' }, 'joinCode'],
    ];
    for (const [body, path] of refused) {
      const made = await make(venueId, owner, body);
      assert.deepEqual(assertProblem(made, 'validation-failed'), [path]);
      const changed = await service.call('PATCH', `/v1/queues/${queueId}`, { as: owner, body });
      assert.deepEqual(assertProblem(changed, 'validation-failed'), [path]);
    }
    assert.deepEqual(await eventTypes(queueId), ['queue.changed']);
  });

  it('are listed oldest first, page by page, without those of others or those deleted', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    const ids = [queueId];
    for (let made = 0; made < 4; made += 1) {
      service.clock.advance(1);
      ids.push((await make(venueId, owner)).body.id);
    }
    await service.call('DELETE', `/v1/queues/${ids[2]}`, { as: owner });
    ids.splice(2, 1);
    await service.openLine();

    const url = `/v1/venues/${venueId}/queues`;
    const first = (await service.call('GET', `${url}?limit=3`, { as: owner })).body;
    const second = (
      await service.call('GET', `${url}?limit=3&cursor=${first.nextCursor}`, { as: owner })
    ).body;
    assert.deepEqual(
      [...first.data, ...second.data].map(({ id }) => id),
      ids,
    );
    assert.equal(second.nextCursor, null);
    const bad = await service.call('GET', `${url}?cursor=%22`, { as: owner });
    assert.deepEqual(assertProblem(bad, 'validation-failed'), ['cursor']);
  });

  it('change in the fields that are named, with an event only where something changed', async () => {
    const { owner, queueId } = await service.openLine();
    const { body: before } = await get(queueId, owner);
    const patch = (body: object) =>
      service.call('PATCH', `/v1/queues/${queueId}`, { as: owner, body });
    const changes = {
      name: 'Tables inside',
      text: 'Welcome',
      endMessage: 'Bye',
      maxWaiting: 5,
      maxPartySize: 4,
      callGraceSeconds: 60,
      selfJoin: false,
      boardLabels: 'name',
    };
    const { status, body } = await patch(changes);
    assert.equal(status, 200);
    assert.deepEqual(body, { ...before, ...changes });
    assert.deepEqual((await get(queueId, owner)).body, body);
    const events = await service.eventsOf(queueId);
    assert.equal(events.length, 2);
    assert.deepEqual(JSON.parse(events[1]?.data as string).queue, {
      seq: 2,
      name: 'Tables inside',
      state: 'open',
      boardLabels: 'name',
      deleted: false,
    });

    for (const same of [{}, changes, { name: 'Tables inside' }]) {
      const answer = await patch(same);
      assert.deepEqual([answer.status, answer.body], [200, body]);
    }
    assert.equal((await service.eventsOf(queueId)).length, 2);

    const cleared = await patch({ text: null, endMessage: null, maxWaiting: null });
    assert.deepEqual(cleared.body, { ...body, text: null, endMessage: null, maxWaiting: null });
    await service.assertSound(queueId);
  });

  it('open, pause and close; asking again changes nothing', async () => {
    const { owner, queueId } = await service.openLine();
    const { body: party } = await service.add(queueId, owner);
    for (const [state, refusal] of [
      ['pause', 'queue-paused'],
      ['close', 'queue-closed'],
      ['open', null],
    ] as const) {
      const first = await turn(queueId, state, owner);
      const again = await turn(queueId, state, owner);
      assert.equal(first.status, 200);
      assert.deepEqual(again.body, first.body);
      assert.equal(first.body.waiting, 1, 'those waiting stay');
      if (refusal !== null) assertProblem(await service.add(queueId, owner), refusal);
    }
    assert.equal((await service.add(queueId, owner)).status, 201);
    assert.equal((await service.move(party, 'call', owner)).status, 200);
    assert.deepEqual(await eventTypes(queueId), [
      'queue.changed',
      'party.joined',
      'queue.changed',
      'queue.changed',
      'queue.changed',
      'party.joined',
      'party.called',
    ]);
    await service.assertSound(queueId);
  });

  it('move on while paused or closed', async () => {
    const { owner, queueId } = await service.openLine();
    await service.add(queueId, owner);
    await service.add(queueId, owner);
    await turn(queueId, 'pause', owner);
    assert.equal((await turn(queueId, 'call-next', owner)).status, 200);
    await turn(queueId, 'close', owner);
    assert.equal((await turn(queueId, 'call-next', owner)).status, 200);
  });

  it('remove those waiting on closing when told to, and keep those called', async () => {
    const { owner, queueId } = await service.openLine();
    const parties = [];
    for (let joined = 0; joined < 4; joined += 1) {
      parties.push((await service.add(queueId, owner)).body);
    }
    await turn(queueId, 'call-next', owner);
    const { status, body } = await turn(queueId, 'close', owner, { expireWaiting: true });
    assert.equal(status, 200);
    assert.deepEqual([body.state, body.waiting, body.called], ['closed', 0, 1]);
    const states = [];
    for (const { id } of parties) {
      states.push((await service.call('GET', `/v1/parties/${id}`, { as: owner })).body.state);
    }
    assert.deepEqual(states, ['called', 'removed', 'removed', 'removed']);
    await service.assertSound(queueId);

    // Closed already: those who are waiting still go.
    await turn(queueId, 'open', owner);
    await service.add(queueId, owner);
    await turn(queueId, 'close', owner);
    const again = await turn(queueId, 'close', owner, { expireWaiting: true });
    assert.equal(again.body.waiting, 0);
    for (const [wrong, path] of [
      [{ expireWaiting: 'yes' }, 'expireWaiting'],
      [{ reason: 'late' }, 'reason'],
    ] as const) {
      const answer = await turn(queueId, 'close', owner, wrong);
      assert.deepEqual(assertProblem(answer, 'validation-failed'), [path]);
    }
    await service.assertSound(queueId);
  });

  it('tell the position service of every change before they answer', async () => {
    const { owner, queueId } = await service.openLine();
    await service.add(queueId, owner);
    await turn(queueId, 'close', owner, { expireWaiting: true });
    const told = service.positionApp.events.filter(
      (event: LineEvent) => event.data.queueId === queueId,
    );
    assert.deepEqual(
      told.map(({ type }) => type),
      ['queue.changed', 'party.joined', 'queue.changed', 'party.removed'],
    );
  });

  it('get another join code; the old one leads nowhere, and case does not matter', async () => {
    const { owner, queueId, joinCode } = await service.openLine();
    const { status, body } = await turn(queueId, 'join-code', owner);
    assert.equal(status, 200);
    assert.notEqual(body.joinCode, joinCode);
    assert.equal(body.joinUrl, `${publicUrl}/v1/join/${body.joinCode}`);
    assertProblem(await service.call('GET', `/v1/join/${joinCode}`), 'not-found');
    assertProblem(await service.join(joinCode), 'not-found');
    for (const code of [body.joinCode, body.joinCode.toLowerCase()]) {
      assert.equal((await service.call('GET', `/v1/join/${code}`)).status, 200);
      assert.equal((await service.join(code)).status, 201);
    }
    await service.assertSound(queueId);
  });

  it('have a QR code of their join link as SVG and PNG', async () => {
    const { owner, queueId } = await service.openLine();
    const svg = await service.call('GET', `/v1/queues/${queueId}/qr.svg`, { as: owner });
    assert.equal(svg.status, 200);
    assert.match(String(svg.headers['content-type']), /^image\/svg\+xml/);
    assert.match(svg.raw.toString(), /^<svg[^>]+xmlns/);
    const png = await service.call('GET', `/v1/queues/${queueId}/qr.png`, { as: owner });
    assert.equal(png.status, 200);
    assert.equal(png.headers['content-type'], 'image/png');
    assert.deepEqual(png.raw.subarray(0, 8), Buffer.from('89504e470d0a1a0a', 'hex'));
    const width = png.raw.readUInt32BE(16);
    assert.ok(width >= 1_000, `${width} pixels`);

    const { raw: before } = svg;
    await turn(queueId, 'join-code', owner);
    const { raw } = await service.call('GET', `/v1/queues/${queueId}/qr.svg`, { as: owner });
    assert.ok(!raw.equals(before), 'follows the join code');
  });

  it('are not found by strangers, and refused to members of too low a role', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    const host = await service.member(venueId, 'host');
    const manager = await service.member(venueId, 'manager');
    const stranger = (await service.openLine()).owner;
    const url = `/v1/queues/${queueId}`;
    const forHosts = [
      ['GET', url, {}],
      ['GET', `${url}/qr.svg`, {}],
      ['GET', `${url}/qr.png`, {}],
      ['GET', `/v1/venues/${venueId}/queues`, {}],
    ] as const;
    const forManagers = [
      ['POST', `/v1/venues/${venueId}/queues`, { body: { name: 'Bar' } }],
      ['PATCH', url, { body: { name: 'Bar' } }],
      ['POST', `${url}/pause`, {}],
      ['POST', `${url}/close`, {}],
      ['POST', `${url}/open`, {}],
      ['POST', `${url}/join-code`, {}],
      ['DELETE', url, {}],
    ] as const;
    for (const [method, path, options] of [...forHosts, ...forManagers]) {
      assertProblem(await service.call(method, path, options), 'unauthenticated');
      assertProblem(await service.call(method, path, { as: stranger, ...options }), 'not-found');
      const unknown = path
        .replace(queueId, newId(service.clock))
        .replace(venueId, newId(service.clock));
      assertProblem(await service.call(method, unknown, { as: owner, ...options }), 'not-found');
    }
    for (const [method, path] of forHosts) {
      assert.equal((await service.call(method, path, { as: host })).status, 200);
    }
    for (const [method, path, options] of forManagers) {
      assertProblem(await service.call(method, path, { as: host, ...options }), 'forbidden');
    }
    for (const [method, path, options] of forManagers) {
      const { status } = await service.call(method, path, { as: manager, ...options });
      assert.ok(status < 300, `${method} ${path} ${status}`);
    }
  });

  it('are gone for everyone once deleted, and their guests learn that it is over', async () => {
    const { owner, venueId, queueId, joinCode } = await service.openLine();
    const { body: waiting } = await service.add(queueId, owner);
    const { body: called } = await service.add(queueId, owner);
    await service.move(called, 'call', owner);
    const { body: seated } = await service.add(queueId, owner);
    await service.move(seated, 'seat', owner);

    const { status, raw } = await service.call('DELETE', `/v1/queues/${queueId}`, { as: owner });
    assert.deepEqual([status, raw.length], [204, 0]);
    for (const [method, url] of [
      ['GET', `/v1/queues/${queueId}`],
      ['GET', `/v1/queues/${queueId}/parties`],
      ['GET', `/v1/queues/${queueId}/qr.svg`],
      ['GET', `/v1/parties/${waiting.id}`],
      ['PATCH', `/v1/parties/${waiting.id}`],
      ['POST', `/v1/parties/${waiting.id}/call`],
      ['POST', `/v1/queues/${queueId}/call-next`],
      ['POST', `/v1/queues/${queueId}/open`],
      ['POST', `/v1/queues/${queueId}/parties`],
      ['DELETE', `/v1/queues/${queueId}`],
      ['GET', `/v1/join/${joinCode}`],
    ] as const) {
      const answer = await service.call(method, url, {
        as: owner,
        ...(method === 'PATCH' ? { body: {} } : {}),
        ...(url.endsWith('/parties') && method === 'POST' ? { body: { name: 'Ana' } } : {}),
      });
      assertProblem(answer, 'not-found');
    }
    const states = [];
    for (const { ticket } of [waiting, called, seated]) {
      const { body } = await service.call('GET', `/v1/tickets/${ticket}`);
      states.push(body.state);
      assertProblem(
        await service.call('POST', `/v1/tickets/${ticket}/leave`),
        'invalid-transition',
      );
    }
    assert.deepEqual(states, ['removed', 'removed', 'seated']);
    await service.assertSound(queueId);
    const list = await service.call('GET', `/v1/venues/${venueId}/queues`, { as: owner });
    assert.deepEqual(list.body.data, []);
  });
});
