import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { getJoinPage, joinQueue } from '@queue-manager/contracts/guests';
import { addParty, getParty, listParties } from '@queue-manager/contracts/parties';
import { getBoard } from '@queue-manager/contracts/positions';
import {
  closeQueue,
  createQueue,
  deleteQueue,
  getQrPng,
  getQrSvg,
  getQueue,
  listQueues,
  openQueue,
  pauseQueue,
  type Queue,
  replaceJoinCode,
  updateQueue,
} from '@queue-manager/contracts/queues';
import {
  createVenue,
  deleteVenue,
  getVenue,
  listVenues,
  updateVenue,
} from '@queue-manager/contracts/venues';
import { until } from '@queue-manager/service-kit/testing';
import { openAccount, type TestAccount } from './support/accounts.ts';
import { allParties, openQueueOf, openVenue, type TestVenue } from './support/lines.ts';
import { call, refuse, refuseField, send, succeed } from './support/system.ts';

describe('a venue', () => {
  let owner: TestAccount;
  let stranger: TestAccount;
  before(async () => {
    [owner, stranger] = await Promise.all([openAccount(), openAccount()]);
  });

  const timezone = 'Europe/Lisbon';

  it('belongs to its creator, with defaults for omitted fields', async () => {
    const { token } = owner;
    const venue = await succeed(createVenue, { token, body: { name: ' Blue Door ', timezone } });
    const { id, createdAt, ...facts } = venue;
    assert.deepEqual(facts, {
      name: 'Blue Door',
      timezone,
      locale: 'en',
      capacity: null,
      occupancy: 0,
      dayStartsAt: '05:00',
      retentionDays: 30,
      accentColor: null,
      feed: false,
      role: 'owner',
    });
    assert.ok(!Number.isNaN(Date.parse(createdAt)));
    assert.deepEqual(await succeed(getVenue, { token, params: { venueId: id } }), venue);
  });

  it('can be changed field by field', async () => {
    const { token } = owner;
    const venue = await succeed(createVenue, {
      token,
      body: { name: 'Before', timezone, locale: 'pt', capacity: 80, dayStartsAt: '06:30' },
    });
    const params = { venueId: venue.id };
    const changed = await succeed(updateVenue, { token, params, body: { capacity: null } });
    assert.deepEqual(changed, { ...venue, capacity: null });
    const renamed = await succeed(updateVenue, {
      token,
      params,
      body: { name: 'After', timezone: 'America/New_York', retentionDays: 7 },
    });
    assert.deepEqual(renamed, {
      ...changed,
      name: 'After',
      timezone: 'America/New_York',
      retentionDays: 7,
    });
    assert.deepEqual(await succeed(getVenue, { token, params }), renamed);
    assert.deepEqual(await succeed(updateVenue, { token, params, body: {} }), renamed);
  });

  it('does not exist for other accounts', async () => {
    const { id } = await succeed(createVenue, {
      token: owner.token,
      body: { name: 'Secret', timezone },
    });
    const { token } = stranger;
    const params = { venueId: id };
    await refuse('not-found', getVenue, { token, params });
    await refuse('not-found', updateVenue, { token, params, body: { name: 'Mine' } });
    await refuse('not-found', deleteVenue, { token, params });
    await refuse('not-found', listQueues, { token, params });
    await refuse('not-found', createQueue, { token, params, body: { name: 'Mine' } });
    const { data } = await succeed(listVenues, { token });
    assert.ok(data.every((venue) => venue.id !== id));
    await refuse('unauthenticated', getVenue, { params });
    assert.equal((await succeed(getVenue, { token: owner.token, params })).name, 'Secret');
  });

  it('is listed page by page', async () => {
    const { token } = await openAccount();
    const made: string[] = [];
    for (const name of ['One', 'Two', 'Three']) {
      made.push((await succeed(createVenue, { token, body: { name, timezone } })).id);
    }
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: { data: { id: string }[]; nextCursor: string | null } = await succeed(
        listVenues,
        { token, query: { limit: 2, ...(cursor === null ? {} : { cursor }) } },
      );
      assert.ok(page.data.length <= 2);
      seen.push(...page.data.map(({ id }) => id));
      cursor = page.nextCursor;
    } while (cursor !== null);
    assert.deepEqual(seen.toSorted(), made.toSorted());
  });

  it('is deleted with its queues and tickets', async () => {
    const venue = await openVenue();
    const queue = await openQueueOf(venue);
    const { token } = venue.owner;
    const party = await succeed(addParty, {
      token,
      params: { queueId: queue.id },
      body: { name: 'Ana' },
    });
    await succeed(deleteVenue, { token, params: { venueId: venue.venue.id } });
    await refuse('not-found', getVenue, { token, params: { venueId: venue.venue.id } });
    await refuse('not-found', getQueue, { token, params: { queueId: queue.id } });
    await refuse('not-found', getParty, { token, params: { partyId: party.id } });
    await refuse('not-found', getJoinPage, { params: { joinCode: queue.joinCode } });
    await until('the board is gone', async () => {
      const answer = await call(getBoard, { params: { queueId: queue.id } });
      return answer.status === 404;
    });
  });

  const refusals: [string, string, Record<string, unknown>][] = [
    ['no name', 'name', { name: undefined }],
    ['an empty name', 'name', { name: '  ' }],
    ['an unknown time zone', 'timezone', { timezone: 'Europe/Atlantis' }],
    ['a capacity of 0', 'capacity', { capacity: 0 }],
    ['a capacity that is text', 'capacity', { capacity: '80' }],
    ['a time that does not exist', 'dayStartsAt', { dayStartsAt: '24:00' }],
    ['a language that does not exist', 'locale', { locale: 'x' }],
    ['an unknown field', 'occupancy', { occupancy: 5 }],
  ];
  for (const [what, path, change] of refusals) {
    it(`names the field when it refuses ${what}`, async () => {
      const body = { name: 'Good', timezone, ...change };
      await refuseField(path, createVenue, { token: owner.token, body });
    });
  }
});

describe('a queue', () => {
  let venue: TestVenue;
  let token: string;
  before(async () => {
    venue = await openVenue('The Blue Door');
    token = venue.owner.token;
  });

  const paramsOf = ({ id }: Queue) => ({ queueId: id });

  it('is open when created, with defaults for omitted fields', async () => {
    const queue = await openQueueOf(venue, { name: 'Bar' });
    const { id, joinCode, joinUrl, ...facts } = queue;
    assert.deepEqual(facts, {
      venueId: venue.venue.id,
      name: 'Bar',
      text: null,
      endMessage: null,
      state: 'open',
      waiting: 0,
      called: 0,
      maxWaiting: null,
      maxPartySize: 20,
      callGraceSeconds: 300,
      selfJoin: true,
      boardLabels: 'number',
    });
    assert.ok(joinUrl.endsWith(joinCode));
    assert.deepEqual(await succeed(getQueue, { token, params: { queueId: id } }), queue);
  });

  it('can be changed field by field, visible to guests', async () => {
    const queue = await openQueueOf(venue);
    const params = paramsOf(queue);
    const body = { text: 'Kitchen closes at 22:30', endMessage: 'Enjoy!', maxPartySize: 6 };
    const changed = await succeed(updateQueue, { token, params, body });
    assert.deepEqual(changed, { ...queue, ...body });
    const page = await succeed(getJoinPage, { params: { joinCode: queue.joinCode } });
    assert.equal(page.text, body.text);
    assert.equal(page.maxPartySize, 6);
    assert.equal(page.venueName, 'The Blue Door');
    assert.equal(page.waiting, 0);
    assert.equal(page.queueId, queue.id);
    const cleared = await succeed(updateQueue, { token, params, body: { text: null } });
    assert.equal(cleared.text, null);
  });

  it('is listed page by page within its venue', async () => {
    const busy = await openVenue();
    const names = ['Tables', 'Bar', 'Guest list'];
    for (const name of names) await openQueueOf(busy, { name });
    const params = { venueId: busy.venue.id };
    const first = await succeed(listQueues, {
      token: busy.owner.token,
      params,
      query: { limit: 2 },
    });
    assert.equal(first.data.length, 2);
    assert.ok(first.nextCursor);
    const rest = await succeed(listQueues, {
      token: busy.owner.token,
      params,
      query: { limit: 2, cursor: first.nextCursor },
    });
    assert.equal(rest.nextCursor, null);
    assert.deepEqual(
      [...first.data, ...rest.data].map(({ name }) => name).toSorted(),
      names.toSorted(),
    );
  });

  it('names the parameter when it refuses a page', async () => {
    const queue = await openQueueOf(venue);
    for (const [path, query] of [
      ['limit', 'limit=0'],
      ['limit', 'limit=101'],
      ['limit', 'limit=many'],
      ['cursor', 'cursor=nonsense'],
      ['state', 'state=waiting,asleep'],
      ['lane', 'lane=fast'],
      ['colour', 'colour=red'],
    ] as const) {
      const answer = await send('GET', `/v1/queues/${queue.id}/parties?${query}`, { token });
      assert.equal(answer.status, 400, query);
      const { errors } = answer.json() as { errors: { path: string }[] };
      // The index in a list may be named: state.1.
      assert.equal(errors[0]?.path.split('.')[0], path, query);
    }
    // A cursor is valid for one list only.
    await openQueueOf(venue);
    const { nextCursor } = await succeed(listQueues, {
      token,
      params: { venueId: venue.venue.id },
      query: { limit: 1 },
    });
    assert.ok(nextCursor);
    await refuseField('cursor', listParties, {
      token,
      params: paramsOf(queue),
      query: { cursor: nextCursor },
    });
  });

  it('accepts no joins while paused or closed, but moves on', async () => {
    const queue = await openQueueOf(venue);
    const params = paramsOf(queue);
    const join = { params: { joinCode: queue.joinCode }, body: { name: 'Rui' } };
    const { ticket } = await succeed(joinQueue, join);
    assert.ok(ticket);

    assert.equal((await succeed(pauseQueue, { token, params })).state, 'paused');
    await refuse('queue-paused', joinQueue, join);
    await refuse('queue-paused', addParty, { token, params, body: { name: 'Rui' } });
    assert.equal((await succeed(openQueue, { token, params })).state, 'open');
    await succeed(joinQueue, join);

    const closed = await succeed(closeQueue, { token, params });
    assert.equal(closed.state, 'closed');
    assert.equal(closed.waiting, 2);
    await refuse('queue-closed', joinQueue, join);
    await refuse('queue-closed', addParty, { token, params, body: { name: 'Rui' } });
    assert.equal((await allParties(token, queue.id)).length, 2);

    const emptied = await succeed(closeQueue, { token, params, body: { expireWaiting: true } });
    assert.equal(emptied.waiting, 0);
    assert.equal((await allParties(token, queue.id, 'removed')).length, 2);
    await until('the board shows a closed, empty line', async () => {
      const board = await succeed(getBoard, { params });
      return board.state === 'closed' && board.waiting === 0;
    });
  });

  it('gets a new join code that replaces the old one', async () => {
    const queue = await openQueueOf(venue);
    const params = paramsOf(queue);
    const renewed = await succeed(replaceJoinCode, { token, params });
    assert.notEqual(renewed.joinCode, queue.joinCode);
    await refuse('not-found', getJoinPage, { params: { joinCode: queue.joinCode } });
    await refuse('not-found', joinQueue, {
      params: { joinCode: queue.joinCode },
      body: { name: 'Rui' },
    });
    await succeed(getJoinPage, { params: { joinCode: renewed.joinCode } });
    await refuse('not-found', getJoinPage, { params: { joinCode: 'NOSUCHCODE' } });
  });

  it('has QR codes as SVG and PNG', async () => {
    const queue = await openQueueOf(venue);
    const params = paramsOf(queue);
    const svg = await call(getQrSvg, { token, params });
    assert.ok(svg.ok);
    assert.match(svg.headers.get('content-type') ?? '', /^image\/svg\+xml/);
    assert.match(Buffer.from(svg.body).toString(), /<svg[\s\S]*<\/svg>/);
    const png = await call(getQrPng, { token, params });
    assert.ok(png.ok);
    assert.equal(png.headers.get('content-type'), 'image/png');
    assert.equal(Buffer.from(png.body.subarray(1, 4)).toString(), 'PNG');
    await refuse('unauthenticated', getQrSvg, { params });
  });

  it('does not exist for another venue', async () => {
    const queue = await openQueueOf(venue);
    const other = (await openAccount()).token;
    const params = paramsOf(queue);
    await refuse('not-found', getQueue, { token: other, params });
    await refuse('not-found', updateQueue, { token: other, params, body: { name: 'Mine' } });
    await refuse('not-found', deleteQueue, { token: other, params });
    for (const turn of [openQueue, pauseQueue, closeQueue, replaceJoinCode] as const) {
      await refuse('not-found', turn, { token: other, params });
    }
    await refuse('not-found', getQrSvg, { token: other, params });
    await refuse('not-found', getQrPng, { token: other, params });
    await refuse('not-found', listParties, { token: other, params });
    await refuse('not-found', addParty, { token: other, params, body: { name: 'Mine' } });
    assert.deepEqual(await succeed(getQueue, { token, params }), queue);
  });

  it('is deleted', async () => {
    const queue = await openQueueOf(venue);
    const params = paramsOf(queue);
    await succeed(deleteQueue, { token, params });
    await refuse('not-found', getQueue, { token, params });
    await refuse('not-found', getJoinPage, { params: { joinCode: queue.joinCode } });
    const { data } = await succeed(listQueues, { token, params: { venueId: venue.venue.id } });
    assert.ok(data.every(({ id }) => id !== queue.id));
  });

  const refusals: [string, string, Record<string, unknown>][] = [
    ['no name', 'name', { name: undefined }],
    ['a party size of 0', 'maxPartySize', { maxPartySize: 0 }],
    ['a party size with a fraction', 'maxPartySize', { maxPartySize: 2.5 }],
    ['no grace time at all', 'callGraceSeconds', { callGraceSeconds: 0 }],
    ['an unknown label', 'boardLabels', { boardLabels: 'phone' }],
    ['an answer that is neither yes nor no', 'selfJoin', { selfJoin: 'yes' }],
    ['an unknown field', 'state', { state: 'closed' }],
  ];
  for (const [what, path, change] of refusals) {
    it(`names the field when it refuses ${what}`, async () => {
      const body = { name: 'Good', ...change } as { name: string };
      await refuseField(path, createQueue, { token, params: { venueId: venue.venue.id }, body });
    });
  }
});
