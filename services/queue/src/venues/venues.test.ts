import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { assertProblem, type QueueService, startQueueService, testStart } from '../testing.ts';

describe('venues', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const make = (as: string, body: object = {}) =>
    service.call('POST', '/v1/venues', {
      as,
      body: { name: 'The Blue Door', timezone: 'Europe/Lisbon', ...body },
    });
  const newAccount = () => newId(service.clock);

  it('makes a venue of its maker, with defaults for all but name and time zone', async () => {
    const owner = newAccount();
    const { status, body } = await make(owner);
    assert.equal(status, 201);
    const { id, ...rest } = body;
    assert.deepEqual(rest, {
      name: 'The Blue Door',
      timezone: 'Europe/Lisbon',
      locale: 'en',
      capacity: null,
      occupancy: 0,
      dayStartsAt: '05:00',
      retentionDays: 30,
      feed: false,
      role: 'owner',
      createdAt: testStart,
    });
    const { body: read } = await service.call('GET', `/v1/venues/${id}`, { as: owner });
    assert.deepEqual(read, body);
  });

  it('keeps every field that is given', async () => {
    const fields = {
      name: 'Casa Ünïcode 🍷',
      timezone: 'America/New_York',
      locale: 'pt-PT',
      capacity: 120,
      dayStartsAt: '06:30',
      retentionDays: 7,
    };
    const owner = newAccount();
    const { body } = await make(owner, fields);
    assert.partialDeepStrictEqual(body, fields);
    const { body: read } = await service.call('GET', `/v1/venues/${body.id}`, { as: owner });
    assert.deepEqual(read, body);
  });

  it('refuses what is not valid, naming every field', async () => {
    const owner = newAccount();
    const refused: [object, string[]][] = [
      [{ name: '   ' }, ['name']],
      [{ name: 'x'.repeat(81) }, ['name']],
      [{ name: 'two\nlines' }, ['name']],
      [{ timezone: 'Mars/Olympus' }, ['timezone']],
      [{ timezone: '+02:00' }, ['timezone']],
      [{ locale: 'not a locale' }, ['locale']],
      [{ capacity: 0 }, ['capacity']],
      [{ capacity: 1.5 }, ['capacity']],
      [{ dayStartsAt: '24:00' }, ['dayStartsAt']],
      [{ retentionDays: 0 }, ['retentionDays']],
      [{ retentionDays: '30' }, ['retentionDays']],
      [{ occupancy: 3 }, ['occupancy']],
      [{ name: undefined, timezone: undefined }, ['name', 'timezone']],
    ];
    for (const [body, paths] of refused) {
      assert.deepEqual(assertProblem(await make(owner, body), 'validation-failed'), paths);
    }
    const venues = await service.call('GET', '/v1/venues', { as: owner });
    assert.deepEqual(venues.body, { data: [], nextCursor: null });
  });

  it('needs an account', async () => {
    for (const [method, url] of [
      ['POST', '/v1/venues'],
      ['GET', '/v1/venues'],
      ['GET', `/v1/venues/${newAccount()}`],
    ] as const) {
      assertProblem(await service.call(method, url), 'unauthenticated');
    }
  });

  it('lists the venues of the caller alone, page by page, each with the role in it', async () => {
    const owner = newAccount();
    const ids: string[] = [];
    for (let made = 0; made < 5; made += 1) {
      service.clock.advance(1);
      ids.push((await make(owner, { name: `Venue ${made}` })).body.id);
    }
    const elsewhere = await make(newAccount());
    const host = await service.member(ids[1] as string, 'host');

    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page = await service.call(
        'GET',
        `/v1/venues?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`,
        { as: owner },
      );
      assert.ok(page.body.data.length <= 2);
      seen.push(...page.body.data.map(({ id }: { id: string }) => id));
      cursor = page.body.nextCursor;
    }
    assert.deepEqual(seen, ids);
    assert.ok(!seen.includes(elsewhere.body.id));

    const { body } = await service.call('GET', '/v1/venues', { as: host });
    assert.deepEqual(
      body.data.map(({ id, role }: { id: string; role: string }) => ({ id, role })),
      [{ id: ids[1], role: 'host' }],
    );
  });

  it('refuses a cursor that is none of this list, and pages of no or too many', async () => {
    const owner = newAccount();
    for (const cursor of ['x', 'e30', 'WyJ4Il0', 'WzFd', 'W251bGxd']) {
      const answer = await service.call('GET', `/v1/venues?cursor=${cursor}`, { as: owner });
      assert.deepEqual(assertProblem(answer, 'validation-failed'), ['cursor']);
    }
    for (const limit of ['0', '101', 'many', '1.5']) {
      const answer = await service.call('GET', `/v1/venues?limit=${limit}`, { as: owner });
      assert.deepEqual(assertProblem(answer, 'validation-failed'), ['limit']);
    }
  });

  it('changes the fields that are named, for a manager', async () => {
    const { body: venue } = await make(newAccount(), { capacity: 50 });
    const url = `/v1/venues/${venue.id}`;
    const manager = await service.member(venue.id, 'manager');
    const changes = {
      name: 'The Red Door',
      timezone: 'Europe/Berlin',
      locale: 'de',
      capacity: null,
      dayStartsAt: '04:00',
      retentionDays: 60,
    };
    const changed = await service.call('PATCH', url, { as: manager, body: changes });
    assert.equal(changed.status, 200);
    assert.deepEqual(changed.body, { ...venue, ...changes, role: 'manager' });
    assert.deepEqual((await service.call('GET', url, { as: manager })).body, changed.body);

    const nothing = await service.call('PATCH', url, { as: manager, body: {} });
    assert.deepEqual([nothing.status, nothing.body], [200, changed.body]);

    for (const [body, path] of [
      [{ name: null }, 'name'],
      [{ role: 'owner' }, 'role'],
      [{ capacity: -1 }, 'capacity'],
    ] as const) {
      const answer = await service.call('PATCH', url, { as: manager, body });
      assert.deepEqual(assertProblem(answer, 'validation-failed'), [path]);
    }
  });

  it('is not found by those who are no members, and refused to members of too low a role', async () => {
    const { owner, venueId } = await service.openLine();
    const url = `/v1/venues/${venueId}`;
    const host = await service.member(venueId, 'host');
    const manager = await service.member(venueId, 'manager');
    const stranger = (await service.openLine()).owner;
    const change = { body: { name: 'Mine now' } };

    for (const as of [host, manager, owner]) {
      assert.equal((await service.call('GET', url, { as })).status, 200);
    }
    assertProblem(await service.call('PATCH', url, { as: host, ...change }), 'forbidden');
    for (const as of [host, manager]) {
      assertProblem(await service.call('DELETE', url, { as }), 'forbidden');
    }
    for (const [method, options] of [
      ['GET', {}],
      ['PATCH', change],
      ['DELETE', {}],
    ] as const) {
      const answer = await service.call(method, url, { as: stranger, ...options });
      assertProblem(answer, 'not-found');
      const unknown = await service.call(method, `/v1/venues/${newAccount()}`, {
        as: owner,
        ...options,
      });
      assertProblem(unknown, 'not-found');
      assert.equal(answer.body.detail, unknown.body.detail);
    }
    assertProblem(await service.call('GET', '/v1/venues/not-an-id', { as: owner }), 'not-found');
  });

  it('goes with its queues, members and the personal data of its guests', async () => {
    const { owner, venueId, queueId, joinCode } = await service.openLine();
    const { body: other } = await service.call('POST', `/v1/venues/${venueId}/queues`, {
      as: owner,
      body: { name: 'Bar' },
    });
    const { body: gone } = await service.call('POST', `/v1/venues/${venueId}/queues`, {
      as: owner,
      body: { name: 'Terrace' },
    });
    const { body: early } = await service.add(gone.id, owner, { email: 'early@example.com' });
    await service.call('DELETE', `/v1/queues/${gone.id}`, { as: owner });
    const { body: party } = await service.add(queueId, owner, { email: 'ana@example.com' });
    await service.add(other.id, owner);
    const { body: guest } = await service.join(joinCode, { phone: '+351 912 345 678' });
    const elsewhere = await service.openLine();
    await service.add(elsewhere.queueId, elsewhere.owner);

    const deleted = await service.call('DELETE', `/v1/venues/${venueId}`, { as: owner });
    assert.deepEqual([deleted.status, deleted.raw.length], [204, 0]);

    for (const [method, url] of [
      ['GET', `/v1/venues/${venueId}`],
      ['DELETE', `/v1/venues/${venueId}`],
      ['GET', `/v1/venues/${venueId}/queues`],
      ['GET', `/v1/queues/${queueId}`],
      ['GET', `/v1/queues/${queueId}/parties`],
      ['GET', `/v1/parties/${party.id}`],
      ['POST', `/v1/parties/${party.id}/call`],
      ['POST', `/v1/queues/${queueId}/call-next`],
      ['GET', `/v1/join/${joinCode}`],
    ] as const) {
      assertProblem(await service.call(method, url, { as: owner }), 'not-found');
    }
    assertProblem(await service.join(joinCode), 'not-found');
    assert.deepEqual((await service.call('GET', '/v1/venues', { as: owner })).body.data, []);

    await service.eraseDeleted(venueId);
    const personal = await service.db
      .selectFrom('personal')
      .select('queue_id')
      .where('queue_id', 'in', [queueId, other.id, gone.id, elsewhere.queueId].map(uuidToBytes))
      .execute();
    assert.deepEqual(
      personal.map(({ queue_id }) => queue_id),
      [uuidToBytes(elsewhere.queueId)],
    );

    // A guest learns from the ticket that it is over, and nothing else of anybody.
    for (const { ticket } of [guest, party, early]) {
      const answer = await service.call('GET', `/v1/tickets/${ticket}`);
      assert.equal(answer.status, 200);
      assert.deepEqual([answer.body.state, answer.body.name], ['removed', null]);
      assertProblem(
        await service.call('POST', `/v1/tickets/${ticket}/leave`),
        'invalid-transition',
      );
    }
    for (const id of [queueId, other.id]) {
      const events = await service.eventsOf(id);
      assert.equal(JSON.parse(events.at(-1)?.data as string).queue.deleted, true);
    }
  });

  it('is deleted once, also while queues of it are made, deleted and joined', async () => {
    const { owner, venueId, queueId, joinCode } = await service.openLine();
    const answers = await Promise.all([
      ...Array.from({ length: 5 }, () => service.join(joinCode)),
      service.call('DELETE', `/v1/venues/${venueId}`, { as: owner }),
      service.call('DELETE', `/v1/venues/${venueId}`, { as: owner }),
      service.call('DELETE', `/v1/queues/${queueId}`, { as: owner }),
      ...Array.from({ length: 5 }, () =>
        service.call('POST', `/v1/venues/${venueId}/queues`, { as: owner, body: { name: 'Bar' } }),
      ),
      ...Array.from({ length: 5 }, () => service.join(joinCode)),
    ]);
    for (const { status } of answers) assert.ok([201, 204, 404].includes(status), `${status}`);
    const open = await service.db
      .selectFrom('queues')
      .select('id')
      .where('venue_id', '=', uuidToBytes(venueId))
      .where('deleted_at', 'is', null)
      .execute();
    assert.deepEqual(open, []);
    await service.eraseDeleted(venueId);
    const personal = await service.db
      .selectFrom('personal')
      .select('party_id')
      .where('queue_id', '=', uuidToBytes(queueId))
      .execute();
    assert.deepEqual(personal, []);
  });
});
