import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { VenueReport } from '@queue-manager/contracts/reports';
import { type QueueService, startQueueService } from '../testing.ts';
import { reportCalls, reportStart } from './testing.ts';

describe('get venue report', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
    service.clock.set(reportStart);
  });
  after(() => service.stop());

  const { get, reportOf, quote } = reportCalls(() => service);

  it('counts the parties of all queues, of deleted ones too, or of some', async () => {
    const { owner, venueId, queueId: tables } = await service.openLine();
    const { body: bar } = await service.call('POST', `/v1/venues/${venueId}/queues`, {
      as: owner,
      body: { name: 'Bar' },
    });
    const join = async (queueId: string) => (await service.add(queueId, owner)).body;
    const move = async (party: { id: string; ticket: string }, name: string) =>
      assert.equal((await service.move(party, name, owner)).status, 200);
    const venueReport = async (query = '') => {
      const { status, body } = await get(`/v1/venues/${venueId}/report${query}`, owner);
      assert.equal(status, 200, JSON.stringify(body));
      return VenueReport.strict().parse(body);
    };

    // Over three hours, in an order that differs from that of the queues.
    const atBar = await join(bar.id);
    await quote(atBar.id, 50, 90, 110);
    service.clock.advance(100);
    await move(atBar, 'call');
    await move(atBar, 'seat');
    service.clock.advance(3_600);
    const atTable = await join(tables);
    await quote(atTable.id, 300, 400, 500);
    service.clock.advance(200);
    await move(atTable, 'call');
    service.clock.advance(3_600);
    const leaving = await join(bar.id);
    await move(leaving, 'leave');
    service.clock.advance(1);

    const ids = [tables, bar.id].sort();
    const both = await venueReport();
    assert.deepEqual([both.venueId, both.queueIds], [venueId, ids]);
    assert.equal(both.joined, 3);
    assert.deepEqual([both.outcomes.seated, both.outcomes.called, both.outcomes.left], [1, 1, 1]);
    assert.deepEqual(both.waits, { count: 2, p50: 100, p90: 200, max: 200 });
    assert.equal(both.abandonmentRate, 1 / 3);
    assert.deepEqual(both.quoted, {
      guests: 2,
      maeSeconds: 105,
      tooLowShare: 0.5,
      coverage80: 0.5,
    });
    assert.deepEqual(
      both.perHour.map(({ hour, joined, waitSecondsP50 }) => [hour, joined, waitSecondsP50]),
      [
        ['2026-11-20T20:00+00:00', 1, 100],
        ['2026-11-20T21:00+00:00', 1, 200],
        ['2026-11-20T22:00+00:00', 1, null],
      ],
    );

    const { queueId, ...ofTables } = await reportOf(tables, owner);
    const { venueId: _, queueIds, ...ofSome } = await venueReport(`?queues=${tables},${tables}`);
    assert.deepEqual([ofSome, queueIds], [ofTables, [queueId]]);

    await service.call('DELETE', `/v1/queues/${bar.id}`, { as: owner });
    assert.deepEqual(await venueReport(`?queues=${ids.join(',').toUpperCase()}`), both);
    assert.deepEqual((await venueReport()).queueIds, ids);
  });

  it('has no figures without parties', async () => {
    const { owner, venueId } = await service.openLine();
    const { body } = await get(`/v1/venues/${venueId}/report`, owner);
    assert.deepEqual(
      [body.joined, body.waits.p50, body.noShowRate, body.perHour],
      [0, null, null, []],
    );
  });
});
