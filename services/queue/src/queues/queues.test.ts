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
  const post = (queueId: string, action: string, as: string, body?: object) =>
    service.call('POST', `/v1/queues/${queueId}/${action}`, { as, body });
  const eventTypes = async (queueId: string) =>
    (await service.eventsOf(queueId)).map(({ type }) => type);

  it('return 400 and name the invalid field, on create and update', async () => {
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

  it('are listed oldest first, page by page, without deleted or foreign ones', async () => {
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

  it('open, pause and close; a repeat changes nothing', async () => {
    const { owner, queueId } = await service.openLine();
    const { body: party } = await service.add(queueId, owner);
    for (const [state, refusal] of [
      ['pause', 'queue-paused'],
      ['close', 'queue-closed'],
      ['open', null],
    ] as const) {
      const first = await post(queueId, state, owner);
      const again = await post(queueId, state, owner);
      assert.equal(first.status, 200);
      assert.deepEqual(again.body, first.body);
      assert.equal(first.body.waiting, 1, 'the waiting party stays');
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

  it('still call parties while paused or closed', async () => {
    const { owner, queueId } = await service.openLine();
    await service.add(queueId, owner);
    await service.add(queueId, owner);
    await post(queueId, 'pause', owner);
    assert.equal((await post(queueId, 'call-next', owner)).status, 200);
    await post(queueId, 'close', owner);
    assert.equal((await post(queueId, 'call-next', owner)).status, 200);
  });

  it('send every change to the position service before they answer', async () => {
    const { owner, queueId } = await service.openLine();
    await service.add(queueId, owner);
    await post(queueId, 'close', owner, { expireWaiting: true });
    const told = service.positionApp.events.filter(
      (event: LineEvent) => event.data.queueId === queueId,
    );
    assert.deepEqual(
      told.map(({ type }) => type),
      ['queue.changed', 'party.joined', 'queue.changed', 'party.removed'],
    );
  });

  it('replace their join code: the old one returns 404, the new one is case-insensitive', async () => {
    const { owner, queueId, joinCode } = await service.openLine();
    const { status, body } = await post(queueId, 'join-code', owner);
    assert.equal(status, 200);
    assert.notEqual(body.joinCode, joinCode);
    assert.equal(body.joinUrl, `${publicUrl}/j/${body.joinCode}`);
    assertProblem(await service.call('GET', `/v1/join/${joinCode}`), 'not-found');
    assertProblem(await service.join(joinCode), 'not-found');
    for (const code of [body.joinCode, body.joinCode.toLowerCase()]) {
      assert.equal((await service.call('GET', `/v1/join/${code}`)).status, 200);
      assert.equal((await service.join(code)).status, 201);
    }
    await service.assertSound(queueId);
  });

  it('return the QR code of their join link as SVG and PNG', async () => {
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
    await post(queueId, 'join-code', owner);
    const { raw } = await service.call('GET', `/v1/queues/${queueId}/qr.svg`, { as: owner });
    assert.ok(!raw.equals(before), 'follows the join code');
  });

  it('return 404 to non-members and 403 to members whose role is too low', async () => {
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
});
