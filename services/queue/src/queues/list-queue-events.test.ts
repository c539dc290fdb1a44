import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type HistoryEvent, NamedHistoryEvent } from '@queue-manager/contracts/history';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { assertProblem, type QueueService, startQueueService, testStart } from '../testing.ts';

describe('list events of a queue or a party', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const get = (url: string, as?: string) =>
    service.call('GET', url, as === undefined ? {} : { as });
  const post = (url: string, as: string, body?: object) =>
    service.call('POST', url, { as, ...(body === undefined ? {} : { body }) });

  it('lists actor, type, time and reason, oldest first, of a queue and of a party', async () => {
    const { owner, venueId, queueId, joinCode } = await service.openLine();
    const host = await service.member(venueId, 'host');
    const staff = (userId: string) => ({ kind: 'staff', userId });
    const { body: ana } = await service.add(queueId, owner, { name: 'Ana', notes: 'Secret' });
    const { body: joined } = await service.join(joinCode, { name: 'Rui' });
    service.clock.advance(60);
    await post(`/v1/parties/${ana.id}/call`, host, { reason: 'Their table is free' });
    service.clock.advance(60);
    await post(`/v1/parties/${ana.id}/restore`, host, { reason: 'Called by mistake' });
    await post(`/v1/tickets/${joined.ticket}/leave`, host);
    await post(`/v1/queues/${queueId}/pause`, owner);
    const at = (seconds: number) =>
      new Date(new Date(testStart).getTime() + seconds * 1_000).toISOString();

    const { status, body } = await get(`/v1/queues/${queueId}/events`, host);
    assert.equal(status, 200);
    assert.equal(body.nextCursor, null);
    const events = body.data.map((event: unknown) => NamedHistoryEvent.strict().parse(event));
    assert.deepEqual(
      events.map(({ seq, type, time, actor, reason, previousState }: HistoryEvent) => [
        seq,
        type,
        time,
        actor,
        reason,
        previousState,
      ]),
      [
        [1, 'queue.changed', at(0), staff(owner), null, null],
        [2, 'party.joined', at(0), staff(owner), null, null],
        [3, 'party.joined', at(0), { kind: 'guest' }, null, null],
        [4, 'party.called', at(60), staff(host), 'Their table is free', 'waiting'],
        [5, 'party.restored', at(120), staff(host), 'Called by mistake', 'called'],
        [6, 'party.left', at(120), { kind: 'guest' }, null, 'waiting'],
        [7, 'queue.changed', at(120), staff(owner), null, null],
      ],
    );
    assert.deepEqual(
      events.map(({ partyId, party, queue }: HistoryEvent) => [
        partyId === null ? null : partyId === ana.id ? 'Ana' : 'Rui',
        party?.state ?? null,
        queue?.state ?? null,
      ]),
      [
        [null, null, 'open'],
        ['Ana', 'waiting', null],
        ['Rui', 'waiting', null],
        ['Ana', 'called', null],
        ['Ana', 'waiting', null],
        ['Rui', 'left', null],
        [null, null, 'paused'],
      ],
    );
    // Personal data is not exposed.
    assert.doesNotMatch(JSON.stringify(body), /"Ana|Secret/);

    const own = await get(`/v1/parties/${ana.id}/events`, host);
    assert.deepEqual(own.body, {
      data: body.data.filter(({ partyId }: HistoryEvent) => partyId === ana.id),
      nextCursor: null,
    });
  });

  it('shows the position of a move and the override of a seating', async () => {
    const { owner, queueId } = await service.openLine({}, { capacity: 1 });
    const { body: party } = await service.add(queueId, owner, { size: 2 });
    await post(`/v1/parties/${party.id}/seat`, owner, { override: true, reason: 'A friend' });
    const { body } = await get(`/v1/parties/${party.id}/events`, owner);
    assert.deepEqual(
      body.data.map(({ type, override, reason }: HistoryEvent) => [type, override, reason]),
      [
        ['party.joined', false, null],
        ['party.seated', true, 'A friend'],
      ],
    );
    // As a move writes it.
    await service.db
      .updateTable('events')
      .set({
        data: JSON.stringify({
          ...JSON.parse((await service.eventsOf(queueId))[2]?.data ?? ''),
          position: 3,
        }),
      })
      .where('queue_id', '=', uuidToBytes(queueId))
      .where('seq', '=', 3)
      .execute();
    const moved = await get(`/v1/parties/${party.id}/events`, owner);
    assert.equal(moved.body.data[1].position, 3);
  });

  it('shows the size before a change of it', async () => {
    const { owner, queueId } = await service.openLine();
    const { body: party } = await service.add(queueId, owner, { size: 2 });
    for (const body of [{ size: 5 }, { name: 'Rui' }]) {
      await service.call('PATCH', `/v1/parties/${party.id}`, { as: owner, body });
    }
    const { body } = await get(`/v1/parties/${party.id}/events`, owner);
    assert.deepEqual(
      body.data.map(({ previousSize, party }: HistoryEvent) => [previousSize, party?.size]),
      [
        [null, 2],
        [2, 5],
        [null, 5],
      ],
    );
  });

  it('pages while more events are written, and drops erased reasons', async () => {
    const { owner, queueId } = await service.openLine();
    const { body: party } = await service.add(queueId, owner);
    await post(`/v1/parties/${party.id}/call`, owner, { reason: 'Window' });
    for (const url of [`/v1/queues/${queueId}/events`, `/v1/parties/${party.id}/events`]) {
      const seen: HistoryEvent[] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const after: string = cursor === '' ? '' : `&cursor=${cursor}`;
        const { body } = await get(`${url}?limit=1${after}`, owner);
        assert.ok(body.data.length <= 1);
        if (seen.length === 0) await post(`/v1/parties/${party.id}/call`, owner);
        seen.push(...body.data);
        cursor = body.nextCursor;
      }
      assert.deepEqual(seen, (await get(url, owner)).body.data);
    }
    await service.db.deleteFrom('reasons').where('queue_id', '=', uuidToBytes(queueId)).execute();
    const { body } = await get(`/v1/parties/${party.id}/events`, owner);
    assert.equal(body.data.length, 4);
    assert.ok(body.data.every(({ reason }: HistoryEvent) => reason === null));
  });

  it('names the staff who acted, former members too, as long as guests are named', async () => {
    const { owner, venueId, queueId } = await service.openLine({}, { retentionDays: 2 });
    const host = await service.member(venueId, 'host');
    service.userApp.open({ id: owner, name: 'Olga Owner' });
    service.userApp.open({ id: host, name: 'Hugo Host' });
    const { body: party } = await service.add(queueId, host);
    await service.call('DELETE', `/v1/venues/${venueId}/members/${host}`, { as: owner });
    const names = async (url: string) =>
      (await get(url, owner)).body.data.map(({ actorName }: NamedHistoryEvent) => actorName);
    const ofQueue = `/v1/queues/${queueId}/events`;
    assert.deepEqual(await names(ofQueue), ['Olga Owner', 'Hugo Host']);
    assert.deepEqual(await names(`/v1/parties/${party.id}/events`), ['Hugo Host']);
    await service.call('POST', `/v1/tickets/${party.ticket}/leave`);
    assert.deepEqual(await names(`${ofQueue}?after=2`), [null], 'a guest');
    service.userApp.state.isUnavailable = true;
    assert.deepEqual(await names(ofQueue), [null, null, null]);
    service.userApp.state.isUnavailable = false;

    service.clock.advance(2 * 86_400 + 1);
    await service.add(queueId, owner);
    assert.deepEqual(await names(ofQueue), [null, null, null, 'Olga Owner']);
    service.userApp.forget(owner);
    assert.deepEqual(await names(`${ofQueue}?after=3`), [null]);
  });

  it('lists those of a queue after a seq, and newest first', async () => {
    const { owner, queueId } = await service.openLine();
    for (let count = 0; count < 5; count += 1) await service.add(queueId, owner);
    const seqs = async (query: string) => {
      const seen: number[][] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const { body } = await get(`/v1/queues/${queueId}/events?${query}${cursor}`, owner);
        seen.push(body.data.map(({ seq }: HistoryEvent) => seq));
        // An event that happens meanwhile follows the pages of the ascending order only.
        if (cursor === '') await service.add(queueId, owner);
        cursor = body.nextCursor === null ? null : `&cursor=${body.nextCursor}`;
      }
      return seen;
    };
    assert.deepEqual(await seqs('after=3&limit=2'), [
      [4, 5],
      [6, 7],
    ]);
    assert.deepEqual(await seqs('order=desc&after=2&limit=3'), [
      [7, 6, 5],
      [4, 3],
    ]);
    assert.deepEqual(await seqs('order=desc&limit=100'), [[8, 7, 6, 5, 4, 3, 2, 1]]);
    assert.deepEqual(await seqs('after=900'), [[]]);
    for (const [query, path] of [
      ['after=-1', 'after'],
      ['after=x', 'after'],
      ['order=up', 'order'],
    ] as const) {
      const refused = await get(`/v1/queues/${queueId}/events?${query}`, owner);
      assert.deepEqual(assertProblem(refused, 'validation-failed'), [path]);
    }
  });

  it('returns 404 to non-members and 400 for a malformed query', async () => {
    const { owner, queueId } = await service.openLine();
    const { body: party } = await service.add(queueId, owner);
    const stranger = (await service.openLine()).owner;
    for (const url of [`/v1/queues/${queueId}/events`, `/v1/parties/${party.id}/events`]) {
      assertProblem(await get(url), 'unauthenticated');
      assertProblem(await get(url, stranger), 'not-found');
      const unknown = url
        .replace(queueId, newId(service.clock))
        .replace(party.id, newId(service.clock));
      assertProblem(await get(unknown, owner), 'not-found');
      for (const [query, path] of [
        ['limit=0', 'limit'],
        ['limit=101', 'limit'],
        ['since=1', 'since'],
        ['cursor=x', 'cursor'],
        ...[[], ['1'], [0.5], [-1], [1, 2], [1e300]].map(
          (place) =>
            [
              `cursor=${Buffer.from(JSON.stringify(place)).toString('base64url')}`,
              'cursor',
            ] as const,
        ),
      ] as const) {
        assert.deepEqual(
          assertProblem(await get(`${url}?${query}`, owner), 'validation-failed'),
          [path],
          query,
        );
      }
    }
  });
});
