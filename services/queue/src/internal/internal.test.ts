import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { makeEvent } from '@queue-manager/contracts/events';
import type { HistoryEvent } from '@queue-manager/contracts/history';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { credentialHeader } from '@queue-manager/service-kit/internal-credential';
import { testCredential } from '@queue-manager/service-kit/testing';
import { onUserDeleted } from '../staff/on-user-deleted.ts';
import { assertProblem, type QueueService, startQueueService, testStart } from '../testing.ts';
import { boardLabel } from './get-labels.ts';

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

  it('parties are told many at a time, and the facts of their line with it', async () => {
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

  it('what happened is told behind any event, oldest first, to the last event of a deleted queue', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    const { body: ana } = await service.add(queueId, owner, { name: 'Ana', notes: 'Secret' });
    await service.add(queueId, owner);
    const reason = 'Their table is free';
    await service.move(ana, 'call', owner, undefined, { reason });
    const told = async (query: string) => {
      const { status, body } = await get(`/internal/queues/${queueId}/events?${query}`);
      assert.equal(status, 200);
      return body.events;
    };
    const { body: listed } = await service.call('GET', `/v1/queues/${queueId}/events`, {
      as: owner,
    });
    assert.deepEqual(await told('after=0'), listed.data);
    assert.deepEqual(
      listed.data.map(({ seq, reason }: HistoryEvent) => [seq, reason]),
      [
        [1, null],
        [2, null],
        [3, null],
        [4, reason],
      ],
    );
    assert.deepEqual(await told('after=1&limit=2'), listed.data.slice(1, 3));
    assert.deepEqual(await told('after=4'), []);
    assert.deepEqual(await told('after=99'), []);

    await service.call('DELETE', `/v1/venues/${venueId}`, { as: owner });
    assert.equal((await told('after=0')).at(-1).queue.deleted, true);
    for (const wrong of [
      `/internal/queues/${newId(service.clock)}/events?after=0`,
      // Under a venue's id stands that it was deleted: no queue's event.
      `/internal/queues/${venueId}/events?after=0`,
    ]) {
      assertProblem(await get(wrong), 'not-found');
    }
    for (const query of ['', 'after=-1', 'after=x', 'after=0&limit=0', 'after=0&limit=1001']) {
      const url = `/internal/queues/${queueId}/events?${query}`;
      assertProblem(await get(url), 'validation-failed');
    }
  });

  it('a role is that of a member in the venue of the queue, while there is one', async () => {
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

  it('what was learned is kept, and never replaced by less', async () => {
    const { owner, queueId } = await service.openLine();
    const url = `/internal/queues/${queueId}/model`;
    const state = (text: string) => Buffer.from(text).toString('base64');
    const keep = (learned: object) => service.call('POST', url, { headers, body: learned });
    const kept = async () => (await get(url)).body.learned;
    assert.equal(await kept(), null);
    const first = { seq: 20, model: 'rule-1', state: state('first') };
    assert.equal((await keep(first)).status, 204);
    assert.deepEqual(await kept(), first);
    for (const seq of [19, 20]) {
      assert.equal((await keep({ ...first, seq, state: state('older') })).status, 204);
      assert.deepEqual(await kept(), first);
    }
    const newer = { ...first, seq: 21, state: Buffer.alloc(40_000, 0xff).toString('base64') };
    assert.equal((await keep(newer)).status, 204);
    assert.deepEqual(await kept(), newer);
    const other = { seq: 3, model: 'rule-2', state: '' };
    assert.equal((await keep(other)).status, 204);
    assert.deepEqual(await kept(), other);

    for (const wrong of [
      { ...first, seq: -1 },
      { ...first, model: 'x'.repeat(65) },
      { ...first, state: 'no base64!' },
      { ...first, state: Buffer.alloc(49_200).toString('base64') },
      { ...first, more: 1 },
    ]) {
      assertProblem(await keep(wrong), 'validation-failed');
    }
    assert.deepEqual(await kept(), other);
    const elsewhere = await service.openLine();
    assert.equal((await get(`/internal/queues/${elsewhere.queueId}/model`)).body.learned, null);
    await service.call('DELETE', `/v1/queues/${queueId}`, { as: owner });
    assertProblem(await get(url), 'not-found');
    assertProblem(await keep({ ...first, seq: 99 }), 'not-found');
    const rows = await service.db
      .selectFrom('models')
      .selectAll()
      .where('queue_id', '=', uuidToBytes(queueId))
      .execute();
    assert.deepEqual(rows, []);
  });

  it('of what several keep at once the newest stays', async () => {
    const { queueId } = await service.openLine();
    const url = `/internal/queues/${queueId}/model`;
    const learned = (seq: number) => ({ seq, model: 'rule-1', state: `${1_000 + seq}` });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        service.call('POST', url, { headers, body: learned((index * 7) % 20) }),
      ),
    );
    assert.ok(answers.every(({ status }) => status === 204));
    assert.deepEqual((await get(url)).body.learned, learned(19));
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
