import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { joinQueue, leaveQueue } from '@queue-manager/contracts/guests';
import { listPartyEvents, listQueueEvents } from '@queue-manager/contracts/history';
import {
  addParty,
  callNext,
  noShowParty,
  removeParty,
  restoreParty,
  seatParty,
} from '@queue-manager/contracts/parties';
import type { Queue } from '@queue-manager/contracts/queues';
import { exportParties, getReport } from '@queue-manager/contracts/reports';
import { openAccount } from './support/accounts.ts';
import { openQueueOf, openVenue, type TestVenue } from './support/lines.ts';
import { refuse, refuseField, send, succeed } from './support/system.ts';

describe('the history of a queue', () => {
  let venue: TestVenue;
  let token: string;
  before(async () => {
    venue = await openVenue();
    token = venue.owner.token;
  });

  const add = (queue: Queue, name: string) =>
    succeed(addParty, { token, params: { queueId: queue.id }, body: { name } });
  const inQueue = (queue: Queue) => ({ token, params: { queueId: queue.id } });

  it('lists events with actor, type, time and reason', async () => {
    const queue = await openQueueOf(venue);
    const ana = await add(queue, 'Ana');
    const { ticket } = await succeed(joinQueue, {
      params: { joinCode: queue.joinCode },
      body: { name: 'Rui' },
    });
    await succeed(callNext, inQueue(queue));
    const moving = { token, params: { partyId: ana.id } };
    await succeed(noShowParty, { ...moving, body: { reason: 'Called three times' } });
    await succeed(restoreParty, { ...moving, body: { reason: 'They were at the bar' } });
    await succeed(leaveQueue, { params: { ticket } });

    const { data, nextCursor } = await succeed(listQueueEvents, inQueue(queue));
    assert.equal(nextCursor, null);
    const staff = { kind: 'staff', userId: venue.owner.id };
    assert.deepEqual(
      data.map(({ seq, type, actor, reason }) => [seq, type, actor, reason]),
      [
        [1, 'queue.changed', staff, null],
        [2, 'party.joined', staff, null],
        [3, 'party.joined', { kind: 'guest' }, null],
        [4, 'party.called', staff, null],
        [5, 'party.no-show', staff, 'Called three times'],
        [6, 'party.restored', staff, 'They were at the bar'],
        [7, 'party.left', { kind: 'guest' }, null],
      ],
    );
    const first = await succeed(listPartyEvents, { ...moving, query: { limit: 3 } });
    const rest = await succeed(listPartyEvents, {
      ...moving,
      query: { limit: 3, cursor: first.nextCursor ?? '' },
    });
    assert.deepEqual(
      [...first.data, ...rest.data],
      data.filter(({ partyId }) => partyId === ana.id),
    );
  });

  it('is summed up in a report', async () => {
    const queue = await openQueueOf(venue);
    for (const name of ['Ana', 'Bea', 'Cid']) await add(queue, name);
    const { ticket } = await succeed(joinQueue, {
      params: { joinCode: queue.joinCode },
      body: { name: 'Rui' },
    });
    const called = await succeed(callNext, inQueue(queue));
    await succeed(seatParty, { token, params: { partyId: called.id } });
    const absent = await succeed(callNext, inQueue(queue));
    await succeed(noShowParty, { token, params: { partyId: absent.id } });
    await succeed(leaveQueue, { params: { ticket } });

    const report = await succeed(getReport, inQueue(queue));
    assert.equal(report.timezone, 'Europe/Lisbon');
    assert.equal(report.joined, 4);
    assert.deepEqual(report.outcomes, {
      waiting: 1,
      called: 0,
      seated: 1,
      departed: 0,
      no_show: 1,
      left: 1,
      removed: 0,
    });
    assert.equal(report.waits.count, 2);
    assert.equal(report.noShowRate, 1 / 2);
    assert.equal(report.abandonmentRate, 1 / 3);
    const sum = (key: 'joined' | 'served' | 'abandoned') =>
      report.perHour.reduce((total, hour) => total + hour[key], 0);
    assert.deepEqual([sum('joined'), sum('served'), sum('abandoned')], [4, 2, 1]);
    const past = await succeed(getReport, {
      ...inQueue(queue),
      query: { from: '2020-01-01', to: '2020-01-31' },
    });
    assert.equal(past.joined, 0);
  });

  it('is exported as CSV without spreadsheet formulas', async () => {
    const queue = await openQueueOf(venue);
    const nasty = '=HYPERLINK("http://x.test","Grüße, 🎉")';
    const party = await add(queue, nasty);
    await refuseField('name', addParty, { ...inQueue(queue), body: { name: 'Ana\n=1+1' } });
    await succeed(removeParty, { token, params: { partyId: party.id } });

    const path = `/v1/queues/${queue.id}/parties.csv`;
    const answer = await send('GET', path, { token });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'text/csv; charset=utf-8');
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    assert.match(
      answer.headers.get('content-disposition') ?? '',
      /^attachment; filename="parties-\d{4}-\d\d-\d\d\.csv"$/,
    );
    const file = Buffer.from(await succeed(exportParties, inQueue(queue))).toString();
    assert.ok(file.startsWith('\ufeffnumber,name,size,'));
    const [, row, end, ...more] = file.split('\r\n');
    assert.ok(
      row?.startsWith(
        '1,"\'=HYPERLINK(""http://x.test"",""Grüße, 🎉"")",1,regular,removed,staff,,,,',
      ),
      row,
    );
    assert.deepEqual([end, more], ['', []]);
  });

  it('is limited to staff and to a valid period', async () => {
    const queue = await openQueueOf(venue);
    const party = await add(queue, 'Ana');
    const stranger = await openAccount();
    const elsewhere = { ...inQueue(queue), token: stranger.token };
    for (const each of [listQueueEvents, getReport, exportParties] as const) {
      await refuse('not-found', each, elsewhere);
    }
    await refuse('not-found', listPartyEvents, {
      token: stranger.token,
      params: { partyId: party.id },
    });
    for (const each of [getReport, exportParties] as const) {
      await refuseField('from', each, { ...inQueue(queue), query: { from: 'yesterday' } });
      await refuseField('from', each, { ...inQueue(queue), query: { from: '2020-01-01' } });
    }
  });
});
