import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type Arrival, orderEvents, readTrace, readWholeTrace } from './trace.ts';

const header = 'day,arrival_s,wait_s,outcome,priority,service_s';

describe('readTrace', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'queue-manager-trace-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  const write = (name: string, content: string | Buffer) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const nights = [
    header,
    '2026-01-01,64800,30,served,0,50',
    '2026-01-02,64801,0,abandoned,2,0',
    '2026-01-02,64801,7,served,1,90',
    '2026-01-03,10,20,served,1,90',
    '2026-01-03,5,20,served,1,90',
    '',
  ].join('\n');

  it('returns the busiest day, the first of equals, in file order', async () => {
    const trace = await readTrace(write('nights.csv', nights));
    assert.deepEqual(trace, {
      day: '2026-01-02',
      arrivals: [
        { arrivalSeconds: 64_801, waitSeconds: 0, outcome: 'abandoned' },
        { arrivalSeconds: 64_801, waitSeconds: 7, outcome: 'served' },
      ],
    });
  });

  it('returns the requested day, also from a gzipped file with any name', async () => {
    for (const name of ['nights.csv.gz', 'NIGHTS.GZ', 'nights']) {
      const trace = await readTrace(write(name, gzipSync(nights)), '2026-01-03');
      assert.equal(trace.day, '2026-01-03');
      assert.deepEqual(
        trace.arrivals.map(({ arrivalSeconds }) => arrivalSeconds),
        [10, 5],
      );
    }
  });

  it('finds columns by name, with any order, line ends and byte order mark', async () => {
    const trace = await readTrace(
      write('moved.csv', '\ufeffoutcome,wait_s,note,day,arrival_s\r\nserved,3,x,2026-01-01,9\r\n'),
    );
    assert.deepEqual(trace.arrivals, [{ arrivalSeconds: 9, waitSeconds: 3, outcome: 'served' }]);
  });

  it('reads all days in file order, with priority', async () => {
    const days = [header, '2026-01-02,9,3,served,2,0', '2026-01-01,8,0,abandoned,1,0', ''];
    assert.deepEqual(await readWholeTrace(write('whole.csv', days.join('\n'))), [
      {
        day: '2026-01-02',
        arrivalSeconds: 9,
        waitSeconds: 3,
        outcome: 'served',
        isPriority: true,
      },
      {
        day: '2026-01-01',
        arrivalSeconds: 8,
        waitSeconds: 0,
        outcome: 'abandoned',
        isPriority: false,
      },
    ]);
    const bare = 'day,arrival_s,wait_s,outcome\n2026-01-01,8,0,served\n';
    const [arrival] = await readWholeTrace(write('bare.csv', bare));
    assert.equal(arrival?.isPriority, false);
    await assert.rejects(readWholeTrace(write('no-rows.csv', header)), /it has no arrivals/);
  });

  const refusals: [string, string, string | Buffer, RegExp, string?][] = [
    ['a missing column', 'a.csv', 'day,arrival_s,outcome\n', /line 1 names no column wait_s/],
    ['an empty file', 'b.csv', '', /empty/],
    ['a file without arrivals', 'c.csv', `${header}\n`, /no arrivals/],
    ['a bad number', 'd.csv', `${header}\n2026-01-01,1,x,served,0,0\n`, /line 2: wait_s .*"x"/],
    ['a negative number', 'e.csv', `${header}\n2026-01-01,-1,1,served,0,0\n`, /line 2: arrival_s/],
    ['a bad day', 'f.csv', `${header}\n2026-02-30,1,1,served,0,0\n`, /line 2: day/],
    ['a bad outcome', 'g.csv', `${header}\n2026-01-01,1,1,eaten,0,0\n`, /line 2: outcome/],
    ['a short line', 'h.csv', `${header}\n2026-01-01,1,1\n`, /line 2/],
    [
      'damaged gzip',
      'i.csv.gz',
      Buffer.concat([gzipSync(nights).subarray(0, 12), Buffer.alloc(60, 255)]),
      /damaged/,
    ],
    ['a single letter', 'm.csv', 'x', /names no column/],
    ['half a gzip file', 'j.csv.gz', gzipSync(nights).subarray(0, 60), /ends too early/],
    ['a day it does not have', 'l.csv', nights, /no day 2025-01-01, only 2026-01-01/, '2025-01-01'],
  ];
  for (const [what, name, content, expected, day] of refusals) {
    it(`rejects ${what} with one line`, async () => {
      await assert.rejects(readTrace(write(name, content), day), (error: Error) => {
        assert.equal(error.name, 'StackError');
        assert.match(error.message, expected);
        assert.match(error.message, /^[^\p{Cc}]+$/u);
        return true;
      });
    });
  }

  it('rejects a missing file', async () => {
    await assert.rejects(readTrace(join(folder, 'none.csv')), /none\.csv: there is no such file/);
    await assert.rejects(readTrace(folder), /it is a folder/);
  });
});

describe('orderEvents', () => {
  const play = (rows: [number, number, Arrival['outcome']][]) =>
    orderEvents(
      rows.map(([arrivalSeconds, waitSeconds, outcome]) => ({
        arrivalSeconds,
        waitSeconds,
        outcome,
      })),
    ).map((event) =>
      event.kind === 'join'
        ? `${event.atSeconds} join ${event.arrival} behind ${event.waitingBefore}`
        : `${event.atSeconds} ${event.kind} ${event.arrival}`,
    );

  it('puts the exits of a second before its arrivals, each in file order', () => {
    assert.deepEqual(
      play([
        [10, 5, 'served'],
        [10, 5, 'abandoned'],
        [15, 9, 'served'],
        [12, 3, 'served'],
      ]),
      [
        '10 join 0 behind 0',
        '10 join 1 behind 1',
        '12 join 3 behind 2',
        '15 call 0',
        '15 leave 1',
        '15 call 3',
        '15 join 2 behind 0',
        '24 call 2',
      ],
    );
  });

  it('ends a wait of 0 right after its arrival', () => {
    assert.deepEqual(
      play([
        [10, 10, 'served'],
        [20, 0, 'served'],
        [20, 0, 'abandoned'],
        [20, 1, 'served'],
      ]),
      [
        '10 join 0 behind 0',
        '20 call 0',
        '20 join 1 behind 0',
        '20 call 1',
        '20 join 2 behind 0',
        '20 leave 2',
        '20 join 3 behind 0',
        '21 call 3',
      ],
    );
  });

  it('accepts an unsorted file, and exits after midnight', () => {
    assert.deepEqual(
      play([
        [86_399, 5, 'served'],
        [7, 86_399, 'served'],
      ]),
      ['7 join 1 behind 0', '86399 join 0 behind 1', '86404 call 0', '86406 call 1'],
    );
  });

  it('joins and ends each arrival once, with the right number waiting', () => {
    // A linear congruence scatters the rows; no two runs differ.
    const rows = Array.from({ length: 500 }, (_, index): [number, number, Arrival['outcome']] => [
      (index * 7_919) % 601,
      (index * 104_729) % 53,
      index % 5 === 0 ? 'abandoned' : 'served',
    ]);
    let waiting = 0;
    const joined = new Set<number>();
    const ended = new Set<number>();
    const events = orderEvents(
      rows.map(([arrivalSeconds, waitSeconds, outcome]) => ({
        arrivalSeconds,
        waitSeconds,
        outcome,
      })),
    );
    let before = 0;
    for (const event of events) {
      assert.ok(event.atSeconds >= before);
      before = event.atSeconds;
      if (event.kind === 'join') {
        assert.equal(event.waitingBefore, waiting++);
        joined.add(event.arrival);
      } else {
        assert.ok(joined.has(event.arrival) && !ended.has(event.arrival));
        ended.add(event.arrival);
        waiting--;
      }
    }
    assert.equal(joined.size, 500);
    assert.equal(ended.size, 500);
    assert.equal(events.length, 1_000);
  });
});
