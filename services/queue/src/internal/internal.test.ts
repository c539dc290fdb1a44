import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId } from '@queue-manager/service-kit/ids';
import { credentialHeader } from '@queue-manager/service-kit/internal-credential';
import { testCredential } from '@queue-manager/service-kit/testing';
import { assertProblem, type QueueService, startQueueService, testStart } from '../testing.ts';

describe('internal routes', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const headers = { [credentialHeader]: testCredential };
  const get = (url: string) => service.call('GET', url, { headers });
  const membershipsOf = async (userId: string) => {
    const { status, body } = await get(`/internal/users/${userId}/memberships`);
    assert.equal(status, 200);
    return body.memberships;
  };

  it('return 401 without the internal credential', async () => {
    const { owner, queueId } = await service.openLine();
    const { body: party } = await service.add(queueId, owner);
    for (const [method, url] of [
      ['GET', `/internal/users/${owner}/memberships`],
      ['GET', `/internal/queues/${queueId}/parties/${party.id}`],
      ['POST', `/internal/queues/${queueId}/labels`],
      ['POST', `/internal/queues/${queueId}/party-snapshots`],
      ['GET', `/internal/queues/${queueId}/checksum`],
      ['GET', `/internal/queues/${queueId}/roles/${owner}`],
      ['GET', `/internal/queues/${queueId}/events?after=0`],
      ['GET', `/internal/queues/${queueId}/model`],
      ['POST', `/internal/queues/${queueId}/model`],
    ] as const) {
      const body = method === 'POST' ? { partyIds: [] } : undefined;
      assertProblem(await service.call(method, url, { as: owner, body }), 'unauthenticated');
    }
  });

  it('memberships show where the account is the only owner', async () => {
    const { owner, venueId } = await service.openLine({}, { name: 'Casa' });
    const host = await service.member(venueId, 'host');
    const mine = { venueId, venueName: 'Casa', since: testStart };
    assert.deepEqual(await membershipsOf(owner), [{ ...mine, role: 'owner', soleOwner: true }]);
    assert.deepEqual(await membershipsOf(host), [{ ...mine, role: 'host', soleOwner: false }]);
    const second = await service.member(venueId, 'owner');
    for (const userId of [owner, second]) {
      assert.deepEqual(await membershipsOf(userId), [{ ...mine, role: 'owner', soleOwner: false }]);
    }
    assert.deepEqual(await membershipsOf(newId(service.clock)), []);
    await service.call('DELETE', `/v1/venues/${venueId}`, { as: owner });
    assert.deepEqual(await membershipsOf(owner), []);
  });

  it('a party snapshot equals the one in the party’s last event, in any state', async () => {
    const { owner, queueId } = await service.openLine();
    const { body: party } = await service.add(queueId, owner, { size: 3 });
    const url = `/internal/queues/${queueId}/parties/${party.id}`;
    for (const move of [null, 'call', 'seat']) {
      if (move !== null) await service.move(party, move, owner);
      const { status, body } = await get(url);
      assert.equal(status, 200);
      const last = (await service.eventsOf(queueId)).at(-1);
      assert.deepEqual(body, JSON.parse(last?.data as string).party);
    }
    const other = (await service.openLine()).queueId;
    for (const wrong of [
      `/internal/queues/${other}/parties/${party.id}`,
      `/internal/queues/${queueId}/parties/${queueId}`,
      `/internal/queues/${queueId}/parties/x`,
    ]) {
      assertProblem(await get(wrong), 'not-found');
    }
  });

  it('party snapshots come in the order of the ids, the checksum with the queue’s counts', async () => {
    const { owner, venueId, queueId } = await service.openLine({ name: 'Terrace' });
    const { body: ana } = await service.add(queueId, owner);
    const { body: ben } = await service.add(queueId, owner);
    await service.add(queueId, owner);
    await service.move(ana, 'call', owner);
    const ids = [ben.id, newId(service.clock), ana.id.toUpperCase()];
    const ask = async (of: string, partyIds: string[]) => {
      const url = `/internal/queues/${of}/party-snapshots`;
      const { status, body } = await service.call('POST', url, { headers, body: { partyIds } });
      assert.equal(status, 200);
      return body.parties;
    };
    const single = async (id: string) =>
      (await get(`/internal/queues/${queueId}/parties/${id}`)).body;
    assert.deepEqual(await ask(queueId, ids), [await single(ben.id), null, await single(ana.id)]);
    assert.deepEqual(await ask(queueId, []), []);
    const other = (await service.openLine()).queueId;
    assert.deepEqual(await ask(other, ids), [null, null, null]);

    const facts = { seq: 5, name: 'Terrace', state: 'open', boardLabels: 'number', deleted: false };
    assert.deepEqual((await get(`/internal/queues/${queueId}/checksum`)).body, {
      ...facts,
      waiting: 2,
      called: 1,
    });
    await service.call('DELETE', `/v1/venues/${venueId}`, { as: owner });
    assert.equal((await get(`/internal/queues/${queueId}/checksum`)).body.deleted, true);
    assertProblem(await get(`/internal/queues/${newId(service.clock)}/checksum`), 'not-found');
  });

  it('a role is the member’s role in the queue’s venue, null for others', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    const host = await service.member(venueId, 'host');
    const elsewhere = await service.openLine();
    const roleOf = async (userId: string, ofQueue = queueId) =>
      (await get(`/internal/queues/${ofQueue}/roles/${userId}`)).body;
    assert.deepEqual(await roleOf(owner), { role: 'owner' });
    assert.deepEqual(await roleOf(host), { role: 'host' });
    assert.deepEqual(await roleOf(elsewhere.owner), { role: null });
    assert.deepEqual(await roleOf(owner, venueId), { role: null });
    await service.call('DELETE', `/v1/venues/${venueId}/members/${host}`, { as: owner });
    assert.deepEqual(await roleOf(host), { role: null });
    await service.call('DELETE', `/v1/queues/${queueId}`, { as: owner });
    assert.deepEqual(await roleOf(owner), { role: null });
  });
});
