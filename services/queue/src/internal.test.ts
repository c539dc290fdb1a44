import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { makeEvent } from '@queue-manager/contracts/events';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { credentialHeader } from '@queue-manager/service-kit/internal-client';
import { testCredential } from '@queue-manager/service-kit/testing';
import { boardLabel } from './get-labels.ts';
import { onUserDeleted } from './on-user-deleted.ts';
import { assertProblem, type QueueService, startQueueService, testStart } from './testing.ts';

describe('what other services ask', () => {
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

  it('is told to the system alone', async () => {
    const { owner, queueId } = await service.openLine();
    const { body: party } = await service.add(queueId, owner);
    for (const [method, url] of [
      ['GET', `/internal/users/${owner}/memberships`],
      ['GET', `/internal/queues/${queueId}/parties/${party.id}`],
      ['POST', `/internal/queues/${queueId}/labels`],
    ] as const) {
      const body = method === 'POST' ? { partyIds: [] } : undefined;
      assertProblem(await service.call(method, url, { as: owner, body }), 'unauthenticated');
    }
  });

  it('memberships say of which venue an account is the only owner', async () => {
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

  it('a deleted account is a member of nothing, however often that is said', async () => {
    const { owner, venueId } = await service.openLine();
    const host = await service.member(venueId, 'host');
    const userId = host;
    const event = makeEvent({
      id: newId(service.clock),
      source: '/user',
      type: 'user.deleted',
      subject: userId,
      time: testStart,
      data: { userId },
    });
    for (let times = 0; times < 2; times += 1) await onUserDeleted(service.deps)(event);
    assert.deepEqual(await membershipsOf(host), []);
    assertProblem(await service.call('GET', `/v1/venues/${venueId}`, { as: host }), 'not-found');
    assert.equal((await membershipsOf(owner)).length, 1);
  });

  it('a deleted account can make no venue, and one made meanwhile goes with it', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    const shared = await service.openLine();
    await service.db
      .insertInto('members')
      .values({
        venue_id: uuidToBytes(shared.venueId),
        user_id: uuidToBytes(owner),
        role: 'owner',
        since: service.clock.now(),
      })
      .execute();
    const { body: party } = await service.add(queueId, owner);
    const event = makeEvent({
      id: newId(service.clock),
      source: '/user',
      type: 'user.deleted',
      subject: owner,
      time: testStart,
      data: { userId: owner },
    });
    const body = { name: 'Too late', timezone: 'Europe/Lisbon' };
    const [made] = await Promise.all([
      service.call('POST', '/v1/venues', { as: owner, body }),
      onUserDeleted(service.deps)(event),
    ]);
    assert.ok([201, 401].includes(made.status));
    await onUserDeleted(service.deps)(event);
    assert.deepEqual(await membershipsOf(owner), []);
    assertProblem(await service.call('POST', '/v1/venues', { as: owner, body }), 'unauthenticated');

    await service.eraseDeleted(venueId);
    const { body: ticket } = await service.call('GET', `/v1/tickets/${party.ticket}`);
    assert.deepEqual([ticket.state, ticket.name], ['removed', null]);
    const left = await service.db
      .selectFrom('venues')
      .select('id')
      .where('deleted_at', 'is', null)
      .where('id', 'in', [venueId, shared.venueId, made.body.id ?? venueId].map(uuidToBytes))
      .execute();
    assert.deepEqual(left, [{ id: uuidToBytes(shared.venueId) }]);
  });

  it('a party is told in whatever state, as its last event tells it', async () => {
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

  it('labels are first names with an initial, in the order asked, and nothing of others', async () => {
    const { owner, queueId } = await service.openLine();
    const { body: ana } = await service.add(queueId, owner, { name: 'Ana Maria de Lima' });
    const { body: rui } = await service.add(queueId, owner, { name: 'Rui' });
    const elsewhere = await service.openLine();
    const { body: other } = await service.add(elsewhere.queueId, elsewhere.owner);
    const ask = async (partyIds: string[]) =>
      (
        await service.call('POST', `/internal/queues/${queueId}/labels`, {
          headers,
          body: { partyIds },
        })
      ).body.labels;
    assert.deepEqual(await ask([rui.id, other.id, ana.id, rui.id]), ['Rui', null, 'Ana L.', 'Rui']);
    assert.deepEqual(await ask([]), []);
    await service.db.deleteFrom('personal').where('party_id', '=', uuidToBytes(ana.id)).execute();
    assert.deepEqual(await ask([ana.id]), [null]);
  });
});

it('a label is the first name and the initial of the last, in any script', () => {
  for (const [name, label] of [
    ['Ana', 'Ana'],
    ['Ana Lima', 'Ana L.'],
    ['ana  maria\tlima', 'ana L.'],
    ['José Ñandú', 'José Ñ.'],
    ['Éva e\u0301clair', 'Éva E\u0301.'],
    ['Kim 🦤 Dodo 👩‍👩‍👧', 'Kim 👩‍👩‍👧.'],
    ['王 小明', '王 小.'],
  ] as const) {
    assert.equal(boardLabel(name), label);
  }
});
