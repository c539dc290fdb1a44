import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import type { Party } from '@queue-manager/contracts/parties';
import { Report } from '@queue-manager/contracts/reports';
import type { Estimate } from '@queue-manager/contracts/values';
import { fridayNight } from '@queue-manager/load/trace/friday-night';
import { orderEvents, readTrace } from '@queue-manager/load/trace/trace';
import { startOfBusinessDay } from '../line/business-day.ts';
import { type QueueService, startQueueService } from '../testing.ts';

/*
 * Plays a whole day of a trace through the routes, at the trace's own times, and compares the report with
 * figures computed from the trace alone. `TRACE=FILE` plays a day of a file instead of the generated one: the
 * busiest, or `TRACE_DAY=YYYY-MM-DD`.
 */
const timezone = 'Asia/Jerusalem';
const trace =
  process.env.TRACE === undefined
    ? fridayNight()
    : await readTrace(process.env.TRACE, process.env.TRACE_DAY);

let service: QueueService;
before(async () => {
  service = await startQueueService();
});
after(() => service.stop());

/** Nearest rank, written independently of the service: the first value that covers `percent` of them. */
function byNearestRank(values: number[], percent: number): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return (
    sorted.find(
      (value) => sorted.filter((other) => other <= value).length * 100 >= percent * sorted.length,
    ) ?? null
  );
}

/** Scores the quotes of guests who waited and were served. */
function scoreOf(guests: readonly (Estimate & { waitSeconds: number })[]): Report['quoted'] {
  const errors = guests.map(({ p50, waitSeconds }) => Math.abs(p50 - waitSeconds));
  const tooLow = guests.filter(({ p50, waitSeconds }) => waitSeconds > p50);
  const outside = guests.filter(
    ({ p10, p90, waitSeconds }) => waitSeconds < p10 || waitSeconds > p90,
  );
  return {
    guests: guests.length,
    maeSeconds: errors.reduce((sum, error) => sum + error, 0) / guests.length,
    tooLowShare: tooLow.length / guests.length,
    coverage80: (guests.length - outside.length) / guests.length,
  };
}

it(`the report equals the trace of ${trace.day}, to the second`, async (test) => {
  const { day, arrivals } = trace;
  const midnight = startOfBusinessDay(day, timezone, '00:00').getTime();
  const setTime = (seconds: number) => service.clock.set(new Date(midnight + seconds * 1_000));
  setTime(0);
  const line = await service.openLine({}, { timezone, dayStartsAt: '00:00' });
  const { owner, queueId, joinCode } = line;
  const parties = new Map<number, Pick<Party, 'id' | 'ticket'>>();
  const quotes = new Map<number, Estimate>();
  let lastSeconds = 0;

  for (const event of orderEvents(arrivals)) {
    setTime(event.atSeconds);
    lastSeconds = event.atSeconds;
    if (event.kind === 'join') {
      // Half the guests join by themselves, half are added by staff: the answers carry a ticket or an id.
      const joined =
        event.arrival % 2 === 0
          ? await service.add(queueId, owner)
          : await service.join(joinCode, { name: `Guest ${event.arrival}` });
      assert.equal(joined.status, 201);
      const { ticket } = joined.body;
      const { partyId } = service.deps.tickets.read(ticket) ?? {};
      quotes.set(event.arrival, joined.body.estimate);
      parties.set(event.arrival, { ticket, id: joined.body.id ?? partyId });
    } else {
      const party = parties.get(event.arrival);
      assert.ok(party);
      const { status, body } = await service.move(party, event.kind, owner);
      assert.equal(status, 200, JSON.stringify(body));
    }
  }

  setTime(Math.max(lastSeconds, 86_400) + 1);
  const url = `/v1/queues/${queueId}/report?from=${day}&to=${day}`;
  const answer = await service.call('GET', url, { as: owner });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  const report = Report.parse(answer.body);

  const served = arrivals.filter(({ outcome }) => outcome === 'served');
  const waits = served.map(({ waitSeconds }) => waitSeconds);
  const abandoned = arrivals.length - served.length;
  const expected = {
    joined: arrivals.length,
    waits: {
      count: served.length,
      p50: byNearestRank(waits, 50),
      p90: byNearestRank(waits, 90),
      max: Math.max(...waits),
    },
    abandonmentRate: abandoned / arrivals.length,
    quoted: scoreOf(
      arrivals.flatMap(({ outcome, waitSeconds }, arrival) =>
        outcome === 'served' && waitSeconds > 0
          ? { ...(quotes.get(arrival) as Estimate), waitSeconds }
          : [],
      ),
    ),
  };
  const { joined, waits: reportedWaits, abandonmentRate, quoted } = report;
  assert.deepEqual({ joined, waits: reportedWaits, abandonmentRate, quoted }, expected);
  assert.deepEqual([report.outcomes.called, report.outcomes.left], [served.length, abandoned]);
  assert.deepEqual(
    report.perHour.map(({ hour, joined, served, abandoned, waitSecondsP50 }) => [
      Number(hour.slice(11, 13)),
      joined,
      served,
      abandoned,
      waitSecondsP50,
    ]),
    Array.from({ length: 24 }, (_, hour) => {
      const those = arrivals.filter(
        ({ arrivalSeconds }) => Math.floor(arrivalSeconds / 3_600) === hour,
      );
      const theirWaits = those
        .filter(({ outcome }) => outcome === 'served')
        .map(({ waitSeconds }) => waitSeconds);
      return [
        hour,
        those.length,
        theirWaits.length,
        those.length - theirWaits.length,
        byNearestRank(theirWaits, 50),
      ];
    }).filter(([, joined]) => joined !== 0),
  );
  test.diagnostic(`${day}: ${JSON.stringify(expected)}`);
  await service.assertSound(queueId);
});
