import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { PartyState } from '@queue-manager/contracts/parties';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { type QueueService, startQueueService } from '../testing.ts';
import { afterQuery, reportCalls, reportStart } from './testing.ts';

describe('get report', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
    service.clock.set(reportStart);
  });
  after(() => service.stop());

  const { reportOf, fileOf, rowsIn, quote } = reportCalls(() => service);

  it('counts outcomes, waits, rates, quotes and hours of the parties that joined', async () => {
    service.clock.set(reportStart);
    const { owner, queueId } = await service.openLine();
    const add = async (size = 1) => (await service.add(queueId, owner, { size })).body;
    const later = (seconds: number) => service.clock.advance(seconds);
    const move = async (party: { id: string; ticket: string }, ...moves: string[]) => {
      for (const each of moves) {
        assert.equal((await service.move(party, each, owner)).status, 200, each);
      }
    };
    const [seated, noShow, left, leftLater, removed, removedToo, walkIn, restored] = [
      await add(4),
      await add(5),
      await add(6),
      await add(),
      await add(),
      await add(),
      await add(2),
      await add(7),
    ];
    // Still waits at the end.
    await add();
    await quote(seated.id, 50, 90, 110);
    await quote(noShow.id, 300, 400, 500);
    // A quote counts only once the wait has ended.
    await quote(left.id, 1, 2, 3);
    await service.db
      .deleteFrom('quotes')
      .where(
        'party_id',
        'in',
        [walkIn, restored, leftLater].map(({ id }) => uuidToBytes(id)),
      )
      .execute();
    later(100);
    await move(seated, 'call');
    await move(restored, 'call', 'restore');
    later(100);
    // A recall does not change the wait.
    await move(seated, 'call', 'seat', 'depart');
    await move(noShow, 'call', 'no-show');
    await move(left, 'leave');
    await move(removed, 'remove');
    await move(removedToo, 'remove');
    later(100.4);
    await move(walkIn, 'seat');
    await move(leftLater, 'call', 'leave');
    later(600);
    await move(restored, 'call');
    later(3_000);
    const { body: late } = await service.add(queueId, owner);
    later(0.5);
    await move(late, 'call');
    await quote(late.id, 0, 0, 0);
    later(1);

    const waited = [1, 100, 200, 300, 300, 900];
    const report = await reportOf(queueId, owner);
    assert.deepEqual(report, {
      queueId,
      from: '2026-11-20T05:00:00.000Z',
      to: service.clock.now().toISOString(),
      timezone: 'Europe/Lisbon',
      joined: 10,
      outcomes: {
        waiting: 1,
        called: 2,
        seated: 1,
        departed: 1,
        no_show: 1,
        left: 2,
        removed: 2,
      } satisfies Record<PartyState, number>,
      // Of `seated`, who has departed, and `walkIn`.
      seats: 6,
      waits: { count: waited.length, p50: 200, p90: 900, max: 900 },
      // Of the called parties, `seated`, `noShow` and `leftLater` have ended.
      noShowRate: 1 / 3,
      abandonmentRate: 1 / 7,
      quoted: {
        guests: 3,
        maeSeconds: (10 + 200 + 1) / 3,
        tooLowShare: 2 / 3,
        coverage80: 1 / 3,
      },
      perHour: [
        {
          start: '2026-11-20T20:00:00.000Z',
          hour: '2026-11-20T20:00+00:00',
          joined: 9,
          served: 5,
          abandoned: 1,
          waitSecondsP50: 300,
        },
        {
          start: '2026-11-20T21:00:00.000Z',
          hour: '2026-11-20T21:00+00:00',
          joined: 1,
          served: 1,
          abandoned: 0,
          waitSecondsP50: 1,
        },
      ],
      // A Friday.
      perWeekHour: [
        {
          weekday: 5,
          hour: 20,
          joined: 9,
          served: 5,
          abandoned: 1,
          noShows: 1,
          waitSecondsP50: 300,
          waitSecondsP90: 900,
        },
        {
          weekday: 5,
          hour: 21,
          joined: 1,
          served: 1,
          abandoned: 0,
          noShows: 0,
          waitSecondsP50: 1,
          waitSecondsP90: 1,
        },
      ],
      // A minute and a half and none were quoted to those who waited 100 s and 1 s, above six minutes to the no-show.
      perQuote: [
        {
          fromSeconds: 0,
          toSeconds: 300,
          guests: 2,
          waitSecondsP10: 1,
          waitSecondsP50: 1,
          waitSecondsP90: 100,
          belowShare: 0,
          aboveShare: 0.5,
        },
        {
          fromSeconds: 300,
          toSeconds: 600,
          guests: 1,
          waitSecondsP10: 200,
          waitSecondsP50: 200,
          waitSecondsP90: 200,
          belowShare: 1,
          aboveShare: 0,
        },
      ],
    });
    service.clock.set(reportStart);
  });

  it('ignores the quote of a guest who was served at once', async () => {
    const { owner, queueId } = await service.openLine();
    const { body: first } = await service.add(queueId, owner);
    const { body: second } = await service.add(queueId, owner);
    await quote(first.id, 0, 0, 0);
    await quote(second.id, 1, 5, 9);
    await service.move(first, 'call', owner);
    service.clock.advance(2);
    await service.move(second, 'seat', owner);
    const { waits, quoted } = await reportOf(queueId, owner);
    assert.equal(waits.count, 2);
    assert.deepEqual(quoted, { guests: 1, maeSeconds: 3, tooLowShare: 0, coverage80: 1 });
    service.clock.set(reportStart);
  });

  it('is empty for a night without guests', async () => {
    const { owner, queueId } = await service.openLine();
    const report = await reportOf(queueId, owner);
    assert.deepEqual(
      { ...report, queueId: '', from: '', to: '', timezone: '' },
      {
        queueId: '',
        from: '',
        to: '',
        timezone: '',
        joined: 0,
        outcomes: {
          waiting: 0,
          called: 0,
          seated: 0,
          departed: 0,
          no_show: 0,
          left: 0,
          removed: 0,
        },
        seats: 0,
        waits: { count: 0, p50: null, p90: null, max: null },
        noShowRate: null,
        abandonmentRate: null,
        quoted: { guests: 0, maeSeconds: null, tooLowShare: null, coverage80: null },
        perHour: [],
        perWeekHour: [],
        perQuote: [],
      },
    );
  });

  it('keeps a night over midnight and a clock change together, and the repeated hour apart', async () => {
    service.clock.set('2026-10-24T22:30:00Z');
    const { owner, queueId } = await service.openLine();
    for (const at of [
      '2026-10-24T03:59:00Z',
      '2026-10-24T04:00:00Z',
      '2026-10-24T22:50:00Z',
      '2026-10-25T00:10:00Z',
      '2026-10-25T00:59:00Z',
      '2026-10-25T01:10:00Z',
      '2026-10-25T04:59:59.999Z',
      '2026-10-25T05:00:00Z',
    ]) {
      service.clock.set(at);
      await service.add(queueId, owner);
    }
    const night = await reportOf(queueId, owner, '?from=2026-10-24&to=2026-10-24');
    assert.deepEqual(
      [night.from, night.to],
      // A day of 25 hours.
      ['2026-10-24T04:00:00.000Z', '2026-10-25T05:00:00.000Z'],
    );
    assert.deepEqual(
      night.perHour.map(({ hour, start, joined }) => [hour, start.slice(5, 16), joined]),
      [
        ['2026-10-24T05:00+01:00', '10-24T04:00', 1],
        ['2026-10-24T23:00+01:00', '10-24T22:00', 1],
        ['2026-10-25T01:00+01:00', '10-25T00:00', 2],
        ['2026-10-25T01:00+00:00', '10-25T01:00', 1],
        ['2026-10-25T04:00+00:00', '10-25T04:00', 1],
      ],
    );
    assert.equal((await reportOf(queueId, owner, '?from=2026-10-23&to=2026-10-25')).joined, 8);
    // Default: the business day that has just begun.
    service.clock.set('2026-10-25T05:00:01Z');
    const present = await reportOf(queueId, owner);
    assert.deepEqual(
      [present.from, present.to, present.joined],
      ['2026-10-25T05:00:00.000Z', '2026-10-25T05:00:01.000Z', 1],
    );
    const file = await fileOf(queueId, owner, '?from=2026-10-24&to=2026-10-24');
    assert.deepEqual(
      rowsIn(file).map(({ joinedAt }) => joinedAt?.slice(8)),
      ['24T05:00:00+01:00', '24T23:50:00+01:00', '25T01:10:00+01:00', '25T01:59:00+01:00'].concat([
        '25T01:10:00+00:00',
        '25T04:59:59+00:00',
      ]),
    );
    assert.equal(
      file.headers['content-disposition'],
      'attachment; filename="parties-2026-10-24.csv"',
    );
    service.clock.set(reportStart);
  });

  it('uses the venue’s business days for dates, and times as given', async () => {
    service.clock.set('2026-11-20T12:00:00Z');
    const { owner, queueId } = await service.openLine(
      {},
      {
        timezone: 'Asia/Kolkata',
        dayStartsAt: '06:00',
      },
    );
    const cases = [
      ['?from=2026-11-20&to=2026-11-20', '2026-11-20T00:30:00.000Z', '2026-11-21T00:30:00.000Z'],
      ['?from=2026-11-19', '2026-11-19T00:30:00.000Z', '2026-11-20T12:00:00.000Z'],
      ['?to=2026-11-20T10:00:00Z', '2026-11-20T00:30:00.000Z', '2026-11-20T10:00:00.000Z'],
      [
        '?from=2026-11-20T09:00:00%2B05:30&to=2026-11-20T09:00:00%2B05:30',
        '2026-11-20T03:30:00.000Z',
        '2026-11-20T03:30:00.000Z',
      ],
      ['?from=2025-10-17&to=2026-11-20', '2025-10-17T00:30:00.000Z', '2026-11-21T00:30:00.000Z'],
    ] as const;
    for (const [query, from, to] of cases) {
      const report = await reportOf(queueId, owner, query);
      assert.deepEqual([report.from, report.to], [from, to], query);
    }
    service.clock.set(reportStart);
  });

  it('counts only its own queue, as of one moment', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    const { body: other } = await service.call('POST', `/v1/venues/${venueId}/queues`, {
      as: owner,
      body: { name: 'Bar' },
    });
    await service.add(other.id, owner);
    assert.equal((await reportOf(queueId, owner)).joined, 0);

    await service.fill(
      queueId,
      Array.from({ length: 2_500 }, (_, n) => ({
        name: `Guest ${n}`,
        state: 'waiting' as const,
      })),
    );
    service.clock.advance(1);
    const { db } = service.deps;
    // All parties leave between the first page and the second.
    let pages = 0;
    service.deps.db = db.withPlugin(
      afterQuery(/parties_joined/, async () => {
        pages += 1;
        if (pages !== 1) return;
        await db
          .updateTable('parties')
          .set({ state: 'left' })
          .where('queue_id', '=', uuidToBytes(queueId))
          .execute();
      }),
    );
    try {
      const { outcomes } = await reportOf(queueId, owner);
      assert.deepEqual([pages, outcomes.waiting, outcomes.left], [6, 2_500, 0]);
    } finally {
      service.deps.db = db;
    }
    assert.equal((await reportOf(queueId, owner)).outcomes.left, 2_500);
    service.clock.set(reportStart);
  });
});
