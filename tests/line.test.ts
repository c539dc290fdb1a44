import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, it } from 'node:test';
import {
  confirmComing,
  getJoinPage,
  getTicket,
  joinQueue,
  leaveQueue,
  snooze,
} from '@queue-manager/contracts/guests';
import {
  addParty,
  callNext,
  callParty,
  departParty,
  getParty,
  listParties,
  moveParty,
  noShowParty,
  type Party,
  removeParty,
  restoreParty,
  seatParty,
  updateParty,
} from '@queue-manager/contracts/parties';
import { getBoard, getPosition } from '@queue-manager/contracts/positions';
import { getQueue, type Queue, updateQueue } from '@queue-manager/contracts/queues';
import { until } from '@queue-manager/service-kit/testing';
import { openAccount, randomEmail } from './support/accounts.ts';
import {
  allParties,
  awaitPosition,
  openQueueOf,
  openVenue,
  type TestVenue,
} from './support/lines.ts';
import { awaitMails, call, refuse, refuseField, send, succeed } from './support/system.ts';

describe('a queue', () => {
  let venue: TestVenue;
  let token: string;
  before(async () => {
    venue = await openVenue('The Blue Door');
    token = venue.owner.token;
  });

  const add = (queue: Queue, name: string, more: { size?: number; lane?: 'priority' } = {}) =>
    succeed(addParty, { token, params: { queueId: queue.id }, body: { name, ...more } });
  const join = (queue: Queue, name: string) =>
    succeed(joinQueue, { params: { joinCode: queue.joinCode }, body: { name } });
  const next = (queue: Queue) => succeed(callNext, { token, params: { queueId: queue.id } });
  const partyOf = (party: { id: string }) => ({ token, params: { partyId: party.id } });
  const names = (parties: Party[]) => parties.map(({ name }) => name);

  it('accepts guests by QR code and by the host, with their positions', async () => {
    const queue = await openQueueOf(venue);
    // The link in the QR code leads to the page and to the join.
    const page = await fetch(queue.joinUrl);
    assert.equal(page.status, 200);
    const first = await join(queue, 'Ana Sousa');
    const second = await add(queue, 'Rui Costa', { size: 4 });
    const third = await join(queue, 'Eva Reis');
    assert.deepEqual([first.number, second.number, third.number], [1, 2, 3]);
    for (const [index, { ticket, position }] of [first, second, third].entries()) {
      // Null means not known yet; any other position must be right.
      assert.ok(position === null || position === index + 1);
      await awaitPosition(ticket, index + 1);
    }

    const read = await succeed(getPosition, { params: { ticket: third.ticket } });
    assert.equal(read.state, 'waiting');
    assert.equal(read.ahead, 2);
    assert.equal(read.waiting, 3);
    const { estimate } = read;
    assert.ok(estimate && estimate.p10 <= estimate.p50 && estimate.p50 <= estimate.p90);

    const parties = await allParties(token, queue.id);
    assert.deepEqual(names(parties), ['Ana Sousa', 'Rui Costa', 'Eva Reis']);
    assert.deepEqual(
      parties.map(({ source, size, state, calls }) => ({ source, size, state, calls })),
      [
        { source: 'guest', size: 1, state: 'waiting', calls: 0 },
        { source: 'staff', size: 4, state: 'waiting', calls: 0 },
        { source: 'guest', size: 1, state: 'waiting', calls: 0 },
      ],
    );
    assert.deepEqual(
      parties.map(({ ticket }) => ticket),
      [first.ticket, second.ticket, third.ticket],
    );
    const shown = await succeed(getJoinPage, { params: { joinCode: queue.joinCode } });
    assert.equal(shown.waiting, 3);
    assert.equal((await succeed(getQueue, { token, params: { queueId: queue.id } })).waiting, 3);
  });

  it('is called in order, the priority lane first, within the requested sizes', async () => {
    const queue = await openQueueOf(venue);
    const params = { queueId: queue.id };
    for (const [name, size] of [
      ['Six', 6],
      ['Two', 2],
      ['Four', 4],
    ] as const) {
      await add(queue, name, { size });
    }
    await add(queue, 'Guest of honour', { size: 8, lane: 'priority' });
    assert.deepEqual(names(await allParties(token, queue.id)), [
      'Guest of honour',
      'Six',
      'Two',
      'Four',
    ]);
    const called = [
      await succeed(callNext, { token, params, body: { maxSize: 4 } }),
      await succeed(callNext, { token, params, body: { lane: 'regular' } }),
      await succeed(callNext, { token, params }),
    ];
    assert.deepEqual(names(called), ['Two', 'Six', 'Guest of honour']);
    assert.ok(called.every(({ state, calls }) => state === 'called' && calls === 1));
    await refuse('nobody-waiting', callNext, { token, params, body: { minSize: 5 } });
    assert.equal((await next(queue)).name, 'Four');
    await refuse('nobody-waiting', callNext, { token, params });
  });

  it('moves up behind every party that leaves', async () => {
    const queue = await openQueueOf(venue);
    const [a, b, c, d, e] = [
      await join(queue, 'A'),
      await add(queue, 'B'),
      await join(queue, 'C'),
      await add(queue, 'D'),
      await join(queue, 'E'),
    ];
    await next(queue);
    await awaitPosition(e.ticket, 4);
    await succeed(leaveQueue, { params: { ticket: c.ticket } });
    await awaitPosition(e.ticket, 3);
    await succeed(removeParty, { ...partyOf(d), body: { reason: 'Asked at the door' } });
    await awaitPosition(e.ticket, 2);
    await succeed(seatParty, partyOf(b));
    await awaitPosition(e.ticket, 1);
    for (const { ticket } of [a, b, c, d]) await awaitPosition(ticket, null);
    const states = await Promise.all(
      [a, b, c, d, e].map(
        async ({ ticket }) => (await succeed(getPosition, { params: { ticket } })).state,
      ),
    );
    assert.deepEqual(states, ['called', 'seated', 'left', 'removed', 'waiting']);
  });

  it('is reordered by hosts and guests, and every guest sees the new position', async () => {
    const queue = await openQueueOf(venue);
    const parties: Record<string, { id: string; ticket: string }> = {};
    for (const name of ['A', 'B', 'C', 'D', 'E']) parties[name] = await add(queue, name);
    const party = (name: string) => parties[name] as { id: string; ticket: string };
    const ticketOf = (name: string) => ({ params: { ticket: party(name).ticket } });
    /** The order as guests and as hosts see it. */
    const awaitOrder = async (order: string) => {
      for (const [index, name] of [...order].entries()) {
        await awaitPosition(party(name).ticket, index + 1);
      }
      assert.deepEqual(names(await allParties(token, queue.id, 'waiting')), [...order]);
    };
    const put = (name: string, position: number) =>
      succeed(moveParty, { ...partyOf(party(name)), body: { position, reason: 'A birthday' } });
    await awaitOrder('ABCDE');
    assert.equal((await put('E', 2)).position, 2);
    await awaitOrder('AEBCD');
    await put('A', 1_000);
    await awaitOrder('EBCDA');

    for (const order of ['BCEDA', 'BCDAE', 'BCDAE']) {
      const snoozed = await succeed(snooze, { ...ticketOf('E'), body: { places: 2 } });
      assert.equal(snoozed.state, 'waiting');
      await awaitOrder(order);
    }
    await refuse('snooze-limit-reached', snooze, { ...ticketOf('E'), body: { places: 2 } });

    await refuse('invalid-transition', confirmComing, ticketOf('B'));
    await next(queue);
    await awaitOrder('CDAE');
    await awaitPosition(party('B').ticket, null);
    const confirmed = await succeed(confirmComing, ticketOf('B'));
    assert.ok(confirmed.confirmedAt);
    assert.deepEqual(await succeed(confirmComing, ticketOf('B')), confirmed);
    await refuse('invalid-transition', snooze, { ...ticketOf('B'), body: { places: 1 } });
    await refuse('invalid-transition', moveParty, {
      ...partyOf(party('B')),
      body: { position: 1, reason: 'Too late' },
    });

    await succeed(seatParty, partyOf(party('B')));
    const departed = await succeed(departParty, partyOf(party('B')));
    assert.equal(departed.state, 'departed');
    assert.ok(departed.departedAt);
    await succeed(leaveQueue, ticketOf('D'));
    await succeed(removeParty, partyOf(party('A')));
    await put('E', 1);
    await awaitOrder('EC');
    for (const [name, order] of [
      ['A', 'ECA'],
      ['D', 'ECDA'],
      ['B', 'BECDA'],
    ] as const) {
      const restored = await succeed(restoreParty, partyOf(party(name)));
      assert.equal(restored.state, 'waiting');
      assert.equal(restored.seatedAt, null);
      await awaitOrder(order);
    }
    await refuse('invalid-transition', restoreParty, partyOf(party('B')));
    await refuseField('reason', moveParty, {
      ...partyOf(party('B')),
      body: { position: 1 } as never,
    });
    await refuseField('places', snooze, { ...ticketOf('C'), body: { places: 11 } });
  });

  it('takes a called guest back who lets others go first', async () => {
    const queue = await openQueueOf(venue);
    const [first, second, third] = [
      await add(queue, 'A'),
      await add(queue, 'B'),
      await add(queue, 'C'),
    ];
    const ticket = { params: { ticket: first.ticket } };
    await next(queue);
    await refuse('invalid-transition', snooze, { ...ticket, body: { places: 1 } });
    const body = { places: 1, giveUpCall: true };
    const back = await succeed(snooze, { ...ticket, body });
    assert.deepEqual([back.state, back.calledAt, back.snoozesLeft], ['waiting', null, 2]);
    for (const [place, { ticket }] of [second, first, third].entries()) {
      await awaitPosition(ticket, place + 1);
    }
    assert.equal((await next(queue)).id, second.id);
    assert.equal((await next(queue)).id, first.id);
  });

  it('allows only the moves of a party’s state', async () => {
    const queue = await openQueueOf(venue);
    const party = await add(queue, 'Ana');
    await refuse('invalid-transition', noShowParty, partyOf(party));
    const called = await succeed(callParty, partyOf(party));
    assert.equal(called.state, 'called');
    const again = await succeed(callParty, partyOf(party));
    assert.equal(again.calls, 2);
    const seated = await succeed(seatParty, partyOf(party));
    assert.equal(seated.state, 'seated');
    assert.ok(seated.seatedAt);
    for (const move of [callParty, seatParty, noShowParty, removeParty] as const) {
      await refuse('invalid-transition', move, partyOf(party));
    }
    await refuse('invalid-transition', leaveQueue, { params: { ticket: party.ticket } });

    const absent = await add(queue, 'Rui');
    await succeed(callParty, partyOf(absent));
    const gone = await succeed(noShowParty, partyOf(absent));
    assert.equal(gone.state, 'no_show');
    assert.ok(gone.endedAt);
    await refuse('invalid-transition', callParty, partyOf(absent));

    const leaver = await join(queue, 'Eva');
    const params = { ticket: leaver.ticket };
    assert.equal((await succeed(leaveQueue, { params })).state, 'left');
    await refuse('invalid-transition', leaveQueue, { params });
    await refuse('not-found', callParty, partyOf({ id: randomUUID() }));
  });

  it('refuses a guest by its own rules', async () => {
    const queue = await openQueueOf(venue, { maxWaiting: 2, maxPartySize: 4 });
    const params = { queueId: queue.id };
    const joinParams = { joinCode: queue.joinCode };
    await refuse('party-too-large', addParty, { token, params, body: { name: 'Ana', size: 5 } });
    await refuse('party-too-large', joinQueue, {
      params: joinParams,
      body: { name: 'Ana', size: 5 },
    });
    await add(queue, 'Ana', { size: 4 });
    await join(queue, 'Rui');
    await refuse('queue-full', joinQueue, { params: joinParams, body: { name: 'Eva' } });
    await refuse('queue-full', addParty, { token, params, body: { name: 'Eva' } });
    await next(queue);
    await join(queue, 'Eva');

    await succeed(updateQueue, { token, params, body: { selfJoin: false } });
    await refuse('self-join-off', joinQueue, { params: joinParams, body: { name: 'Leo' } });

    await refuseField('name', joinQueue, { params: joinParams, body: { name: '' } });
    await refuseField('size', joinQueue, { params: joinParams, body: { name: 'Leo', size: 0 } });
    await refuseField('email', addParty, { token, params, body: { name: 'Leo', email: 'x' } });
    await refuseField('phone', addParty, { token, params, body: { name: 'Leo', phone: 'x' } });
    const unknown = { name: 'Leo', position: 1 };
    await refuseField('position', addParty, { token, params, body: unknown });
  });

  it('marks a guest who may have joined twice, for staff only', async () => {
    const queue = await openQueueOf(venue);
    const body = { name: 'Ana', email: randomEmail() };
    const params = { joinCode: queue.joinCode };
    const first = await succeed(joinQueue, { params, body });
    const second = await succeed(joinQueue, {
      params,
      body: { ...body, email: body.email.toUpperCase() },
    });
    assert.deepEqual(Object.keys(first).sort(), Object.keys(second).sort());
    const parties = await allParties(token, queue.id);
    assert.deepEqual(
      parties.map(({ possibleDuplicate }) => possibleDuplicate),
      [true, true],
    );
  });

  it('lets staff correct a party’s details', async () => {
    const queue = await openQueueOf(venue);
    const party = await add(queue, 'Ana');
    const changed = await succeed(updateParty, {
      ...partyOf(party),
      body: { name: 'Anna', size: 3, notes: 'High chair', phone: '+351 912 345 678' },
    });
    assert.equal(changed.name, 'Anna');
    assert.equal(changed.size, 3);
    assert.equal(changed.phone, '+351912345678');
    const read = await succeed(getParty, partyOf(party));
    assert.equal(read.notes, 'High chair');
    const cleared = await succeed(updateParty, { ...partyOf(party), body: { phone: null } });
    assert.equal(cleared.phone, null);
    await refuse('party-too-large', updateParty, { ...partyOf(party), body: { size: 21 } });
  });

  it('is listed page by page, filtered by state, lane and name', async () => {
    const queue = await openQueueOf(venue);
    for (let index = 1; index <= 7; index++) await add(queue, `Guest ${index}`);
    await add(queue, 'Maria', { lane: 'priority' });
    const inOrder = await allParties(token, queue.id, 'waiting', 3);
    assert.deepEqual(names(inOrder), ['Maria', ...[1, 2, 3, 4, 5, 6, 7].map((n) => `Guest ${n}`)]);
    await next(queue);
    await next(queue);
    const params = { queueId: queue.id };
    const list = async (query: Parameters<typeof listOf>[0]) =>
      names((await listOf(query)).data).toSorted();
    const listOf = (query: { state?: string; lane?: 'priority' | 'regular'; q?: string }) =>
      succeed(listParties, { token, params, query });
    assert.deepEqual(await list({ state: 'called' }), ['Guest 1', 'Maria']);
    assert.deepEqual(await list({ lane: 'priority' }), ['Maria']);
    assert.deepEqual(await list({ q: 'mar' }), ['Maria']);
    assert.equal((await list({})).length, 8);
    assert.deepEqual(await list({ state: 'left,no_show' }), []);
  });

  it('keeps a consistent order while its pages are read and parties move', async () => {
    const queue = await openQueueOf(venue);
    for (let index = 1; index <= 6; index++) await add(queue, `Guest ${index}`);
    const params = { queueId: queue.id };
    const state = 'waiting';
    const first = await succeed(listParties, { token, params, query: { state, limit: 3 } });
    await next(queue);
    assert.ok(first.nextCursor);
    const rest = await succeed(listParties, {
      token,
      params,
      query: { state, limit: 3, cursor: first.nextCursor },
    });
    assert.deepEqual(names(rest.data), ['Guest 4', 'Guest 5', 'Guest 6']);
  });

  it('mails the called party in its language, with a link to its ticket', async () => {
    const queue = await openQueueOf(venue);
    const guests = [
      { name: 'João', email: randomEmail(), locale: 'pt' },
      { name: 'John', email: randomEmail(), locale: 'en' },
    ];
    const parties: Party[] = [];
    for (const body of guests) {
      parties.push(await succeed(addParty, { token, params: { queueId: queue.id }, body }));
    }
    await next(queue);
    await next(queue);
    const subjects = [/^É a sua vez/, /^It's your turn/];
    for (const [index, { email }] of guests.entries()) {
      // The mail on joining comes first, or not at all when the call was sent before it.
      const mail = await until('the call is mailed', async () =>
        (await awaitMails(email, 1)).find(({ subject }) => subjects[index]?.test(subject)),
      );
      assert.ok(mail?.text.includes(parties[index]?.ticketUrl ?? '?'));
      assert.ok(mail?.text.includes('The Blue Door'));
      assert.ok(String(mail?.html).includes(parties[index]?.ticket ?? '?'));
    }
  });

  it('mails a guest once at each stage of the wait, and shows the results to staff', async () => {
    const queue = await openQueueOf(venue);
    const email = randomEmail();
    for (const name of ['Ana', 'Bea', 'Cid']) await add(queue, name);
    const body = { name: 'Dia', email };
    const dia = await succeed(addParty, { token, params: { queueId: queue.id }, body });
    const kinds = [
      'notify.joined',
      'notify.almost-there',
      'notify.called',
      'notify.recalled',
      'notify.no-show',
      'notify.restored',
    ];
    const isTold = (count: number) =>
      until(`the guest was told ${count} times`, async () => {
        const { notifications } = await succeed(getParty, partyOf(dia));
        const told = notifications.filter(({ state }) => state === 'done');
        return told.length === count && notifications;
      });
    await isTold(1);
    await next(queue);
    await isTold(2);
    await next(queue);
    await next(queue);
    await next(queue);
    await isTold(3);
    await succeed(callParty, partyOf(dia));
    await isTold(4);
    await succeed(noShowParty, partyOf(dia));
    await isTold(5);
    await succeed(restoreParty, partyOf(dia));
    const notifications = await isTold(6);
    assert.deepEqual(
      (notifications || []).map(({ channel, kind, state }) => ({ channel, kind, state })),
      kinds.map((kind) => ({ channel: 'email', kind, state: 'done' })),
    );
    assert.equal((await awaitMails(email, 6)).length, 6);
  });

  it('mails a guest no more who unsubscribed with one click', async () => {
    const queue = await openQueueOf(venue);
    const email = randomEmail();
    const body = { name: 'Ana', email };
    const ana = await succeed(addParty, { token, params: { queueId: queue.id }, body });
    const [mail] = await awaitMails(email, 1);
    const link = /<(.+)>/.exec(mail?.headers['list-unsubscribe'] ?? '')?.[1] ?? '';
    // As a scanner, and then as a mail client.
    assert.equal((await fetch(link)).status, 200);
    const form = new URLSearchParams({ 'List-Unsubscribe': 'One-Click' });
    assert.equal((await fetch(link, { method: 'POST', body: form })).status, 200);
    await next(queue);
    await until('the call is skipped', async () => {
      const { notifications } = await succeed(getParty, partyOf(ana));
      return notifications.some(
        ({ kind, state }) => kind === 'notify.called' && state === 'skipped',
      );
    });
    assert.equal((await awaitMails(email, 1)).length, 1);
  });

  it('shows a guest nothing of other parties', async () => {
    const queue = await openQueueOf(venue);
    const other = await succeed(addParty, {
      token,
      params: { queueId: queue.id },
      body: { name: 'Secret Name', email: randomEmail(), phone: '+351912345678', notes: 'Secret' },
    });
    const own = await join(queue, 'Ana');
    for (const path of [`/v1/tickets/${own.ticket}`, `/v1/positions/${own.ticket}`]) {
      const answer = await send('GET', path);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get('cache-control'), 'no-store');
      assert.equal(answer.headers.get('referrer-policy'), 'no-referrer');
      for (const secret of ['Secret', other.id, other.ticket, '912345678', `${other.email}`]) {
        assert.ok(!answer.text.includes(secret), `${path} tells ${secret}`);
      }
    }
    const view = await succeed(getTicket, { params: { ticket: own.ticket } });
    assert.equal(view.name, 'Ana');
    assert.equal(view.queueName, queue.name);
    assert.equal(view.state, 'waiting');

    const turned = `${own.ticket.slice(0, -2)}${own.ticket.endsWith('AA') ? 'BB' : 'AA'}`;
    for (const ticket of [turned, 'nonsense', own.ticket.slice(0, -1)]) {
      const params = { ticket };
      await refuse('not-found', getTicket, { params });
      await refuse('not-found', getPosition, { params });
      await refuse('not-found', leaveQueue, { params });
    }
  });

  it('shows called parties on the board by number or short name', async () => {
    const queue = await openQueueOf(venue);
    const params = { queueId: queue.id };
    await add(queue, 'Ana Maria Sousa');
    await add(queue, 'Rui');
    await next(queue);
    const board = await until('the board shows a call', async () => {
      const read = await succeed(getBoard, { params });
      return read.called.length === 1 ? read : null;
    });
    assert.equal(board.called[0]?.label, '1');
    assert.equal(board.waiting, 1);
    assert.equal(board.queueName, queue.name);
    await succeed(updateQueue, { token, params, body: { boardLabels: 'name' } });
    await until('the board shows a name', async () => {
      const { called } = await succeed(getBoard, { params });
      return called[0]?.label === 'Ana S.';
    });
    await refuse('not-found', getBoard, { params: { queueId: randomUUID() } });
  });

  it('executes a request repeated with the same idempotency key once', async () => {
    const queue = await openQueueOf(venue);
    const params = { queueId: queue.id };
    const idempotencyKey = randomUUID();
    const adding = { token, params, idempotencyKey, body: { name: 'Ana' } };
    const first = await succeed(addParty, adding);
    assert.deepEqual(await succeed(addParty, adding), first);
    const reused = { ...adding, body: { name: 'Rui' } };
    await refuse('idempotency-key-reused', addParty, reused);

    const calling = { token, params, idempotencyKey };
    const called = await succeed(callNext, calling);
    assert.deepEqual(await succeed(callNext, calling), called);
    assert.equal(called.calls, 1);

    const joining = {
      params: { joinCode: queue.joinCode },
      idempotencyKey,
      body: { name: 'Eva' },
    };
    const joined = await succeed(joinQueue, joining);
    assert.deepEqual(await succeed(joinQueue, joining), joined);
    await refuseField('Idempotency-Key', joinQueue, { ...joining, idempotencyKey: 'not a UUID' });

    const racing = { ...joining, idempotencyKey: randomUUID() };
    const answers = await Promise.all(Array.from({ length: 8 }, () => succeed(joinQueue, racing)));
    assert.equal(new Set(answers.map(({ ticket }) => ticket)).size, 1);
    assert.equal((await allParties(token, queue.id)).length, 2);
  });

  it('does not exist for another venue', async () => {
    const queue = await openQueueOf(venue);
    const party = await add(queue, 'Ana');
    const other = { token: (await openAccount()).token, params: { partyId: party.id } };
    await refuse('not-found', getParty, other);
    await refuse('not-found', updateParty, { ...other, body: { name: 'Mine' } });
    for (const move of [callParty, seatParty, noShowParty, removeParty] as const) {
      await refuse('not-found', move, other);
    }
    await refuse('not-found', callNext, { token: other.token, params: { queueId: queue.id } });
    const { state } = await succeed(getParty, partyOf(party));
    assert.equal(state, 'waiting');
  });

  it('calls each party once and in order for concurrent hosts', async () => {
    const queue = await openQueueOf(venue);
    const params = { queueId: queue.id };
    await Promise.all(Array.from({ length: 100 }, (_, index) => add(queue, `Guest ${index}`)));
    const line = (await allParties(token, queue.id)).map(({ id }) => id);
    assert.equal(line.length, 100);

    const answers = await Promise.all(
      Array.from({ length: 200 }, () => call(callNext, { token, params })),
    );
    const called = answers.flatMap((answer) => (answer.ok ? [answer.body] : []));
    const refused = answers.flatMap((answer) => (answer.ok ? [] : [answer]));
    assert.deepEqual(
      [...new Set(refused.map(({ problem }) => problem?.type.split('/').at(-1)))],
      ['nobody-waiting'],
    );
    assert.equal(refused.length, 100);
    assert.ok(refused.every(({ status }) => status === 409));
    // Sequence numbers give the order of the calls.
    const inOrder = called.toSorted((a, b) => a.seq - b.seq).map(({ id }) => id);
    assert.deepEqual(inOrder, line);
    assert.ok(called.every(({ calls }) => calls === 1));
    const after = await allParties(token, queue.id, 'called');
    assert.deepEqual(
      after.map(({ id, calls }) => [id, calls]),
      line.map((id) => [id, 1]),
    );
  });
});
