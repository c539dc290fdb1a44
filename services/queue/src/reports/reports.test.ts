import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get as httpGet, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { PartyState } from '@queue-manager/contracts/parties';
import { Report } from '@queue-manager/contracts/reports';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { until } from '@queue-manager/service-kit/testing';
import { parse } from 'csv-parse/sync';
import type { KyselyPlugin } from 'kysely';
import { type Answer, assertProblem, type QueueService, startQueueService } from '../testing.ts';

/** The hours, days and offsets expected below are written for this date. */
const testStart = '2026-11-20T20:00:00.000Z';

describe('a night, looked back at', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
    service.clock.set(testStart);
  });
  after(() => service.stop());

  const get = (url: string, as?: string) =>
    service.call('GET', url, as === undefined ? {} : { as });
  const reportOf = async (queueId: string, as: string, query = ''): Promise<Report> => {
    const { status, body } = await get(`/v1/queues/${queueId}/report${query}`, as);
    assert.equal(status, 200, JSON.stringify(body));
    return Report.strict().parse(body);
  };
  const fileOf = (queueId: string, as: string, query = '') =>
    get(`/v1/queues/${queueId}/parties.csv${query}`, as);

  /** The rows of a file, by their columns, as a program reads it that keeps to RFC 4180. */
  function rowsIn({ status, headers, raw }: Answer): Record<string, string>[] {
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'text/csv; charset=utf-8');
    assert.equal(headers['cache-control'], 'no-store');
    assert.deepEqual([...raw.subarray(0, 3)], [0xef, 0xbb, 0xbf], 'a byte order mark');
    return parse(raw, { bom: true, columns: true, record_delimiter: '\r\n' });
  }

  /** What a guest was told on joining, as if the position service had. */
  const quote = (partyId: string, p10: number, p50: number, p90: number) =>
    service.db
      .updateTable('quotes')
      .set({ estimate: JSON.stringify({ p10, p50, p90, model: 'test', asOf: testStart }) })
      .where('party_id', '=', uuidToBytes(partyId))
      .execute();

  describe('its report', () => {
    it('counts outcomes, waits, rates, quotes and hours of those who joined', async () => {
      service.clock.set(testStart);
      const { owner, queueId } = await service.openLine();
      const add = async () => (await service.add(queueId, owner)).body;
      const later = (seconds: number) => service.clock.advance(seconds);
      const move = async (party: { id: string; ticket: string }, ...moves: string[]) => {
        for (const each of moves) {
          assert.equal((await service.move(party, each, owner)).status, 200, each);
        }
      };
      const [seated, noShow, left, leftLater, removed, removedToo, walkIn, restored] = [
        await add(),
        await add(),
        await add(),
        await add(),
        await add(),
        await add(),
        await add(),
        await add(),
      ];
      // Still waits when all is over.
      await add();
      await quote(seated.id, 50, 90, 110);
      await quote(noShow.id, 300, 400, 500);
      // Nobody whose wait has not ended counts among the quotes.
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
      // A second call changes nothing about the wait.
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
        waits: { count: waited.length, p50: 200, p90: 900, max: 900 },
        // Of those who were called, `seated`, `noShow` and `leftLater` are over.
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
      });
      service.clock.set(testStart);
    });

    it('judges no quote by a guest who was served at once', async () => {
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
      service.clock.set(testStart);
    });

    it('is empty of a night without guests', async () => {
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
          waits: { count: 0, p50: null, p90: null, max: null },
          noShowRate: null,
          abandonmentRate: null,
          quoted: { guests: 0, maeSeconds: null, tooLowShare: null, coverage80: null },
          perHour: [],
        },
      );
    });

    it('keeps a night that crosses midnight and a change of clocks together, the doubled hour apart', async () => {
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
      // Without anything: the business day that has just begun.
      service.clock.set('2026-10-25T05:00:01Z');
      const present = await reportOf(queueId, owner);
      assert.deepEqual(
        [present.from, present.to, present.joined],
        ['2026-10-25T05:00:00.000Z', '2026-10-25T05:00:01.000Z', 1],
      );
      const file = await fileOf(queueId, owner, '?from=2026-10-24&to=2026-10-24');
      assert.deepEqual(
        rowsIn(file).map(({ joinedAt }) => joinedAt?.slice(8)),
        ['24T05:00:00+01:00', '24T23:50:00+01:00', '25T01:10:00+01:00', '25T01:59:00+01:00'].concat(
          ['25T01:10:00+00:00', '25T04:59:59+00:00'],
        ),
      );
      assert.equal(
        file.headers['content-disposition'],
        'attachment; filename="parties-2026-10-24.csv"',
      );
      service.clock.set(testStart);
    });

    it('goes by the venue’s own days, and takes times as they are', async () => {
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
      service.clock.set(testStart);
    });

    it('does not tell of another queue, and its figures are those of one moment', async () => {
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
      // Everyone leaves between the first page and the second.
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
        assert.deepEqual([pages, outcomes.waiting, outcomes.left], [3, 2_500, 0]);
      } finally {
        service.deps.db = db;
      }
      assert.equal((await reportOf(queueId, owner)).outcomes.left, 2_500);
      service.clock.set(testStart);
    });
  });

  describe('its file', () => {
    const header =
      'number,name,size,lane,state,source,email,phone,notes,joinedAt,calledAt,confirmedAt,seatedAt,departedAt,endedAt,calls,waitSeconds,quotedP50Seconds';

    it('is a table that any spreadsheet reads and none computes', async () => {
      service.clock.set(testStart);
      const { owner, queueId } = await service.openLine({}, { timezone: 'Asia/Kolkata' });
      const nasty = [
        { name: '=HYPERLINK("http://x.test";"Ana, \'Zé\'")', notes: 'ok\n=1+1, "two";@3' },
        { name: '+Zoë 🎉', phone: '+351 912 345 678', email: '-ana@example.com' },
        { name: '＝1', size: 4, lane: 'priority' },
        { name: 'Müller, "Max"' },
      ];
      const parties = [];
      for (const each of nasty) {
        parties.push((await service.add(queueId, owner, each)).body);
        service.clock.advance(1);
      }
      service.clock.advance(90 - 3);
      await service.move(parties[1], 'call', owner);
      service.clock.advance(30);
      await service.move(parties[1], 'seat', owner);
      await service.move(parties[1], 'depart', owner);
      await quote(parties[1].id, 10, 60, 100);
      await service.db
        .deleteFrom('quotes')
        .where('party_id', '=', uuidToBytes(parties[0].id))
        .execute();
      await service.db
        .deleteFrom('personal')
        .where('party_id', '=', uuidToBytes(parties[3].id))
        .execute();
      service.clock.advance(1);

      const answer = await fileOf(queueId, owner);
      const rows = rowsIn(answer);
      assert.deepEqual(
        rows.map(({ name }) => name),
        ['\'=HYPERLINK("http://x.test";"Ana, \'Zé\'")', "'+Zoë 🎉", "'＝1", ''],
      );
      assert.equal(rows[0]?.notes, 'ok\n\'=1+1, "two";\'@3');
      assert.equal(rows[0]?.quotedP50Seconds, '');
      assert.deepEqual(rows[1], {
        number: '2',
        name: "'+Zoë 🎉",
        size: '1',
        lane: 'regular',
        state: 'departed',
        source: 'staff',
        email: "'-ana@example.com",
        phone: "'+351912345678",
        notes: '',
        joinedAt: '2026-11-21T01:30:01+05:30',
        calledAt: '2026-11-21T01:31:31+05:30',
        confirmedAt: '',
        seatedAt: '2026-11-21T01:32:01+05:30',
        departedAt: '2026-11-21T01:32:01+05:30',
        endedAt: '2026-11-21T01:32:01+05:30',
        calls: '1',
        waitSeconds: '90',
        quotedP50Seconds: '60',
      });
      assert.deepEqual([rows[2]?.lane, rows[2]?.size, rows[2]?.waitSeconds], ['priority', '4', '']);
      assert.ok(answer.raw.toString().startsWith(`\ufeff${header}\r\n1,`));
      assert.ok(answer.raw.toString().endsWith('\r\n'));
      service.clock.set(testStart);
    });

    it('is a header alone of a night without guests, and named by its days', async () => {
      const { owner, queueId } = await service.openLine();
      const answer = await fileOf(queueId, owner, '?from=2026-11-01&to=2026-11-19');
      assert.equal(answer.raw.toString(), `\ufeff${header}\r\n`);
      assert.equal(
        answer.headers['content-disposition'],
        'attachment; filename="parties-2026-11-01-to-2026-11-19.csv"',
      );
    });

    it('holds each party once, in the order of joining, however many joined in one moment', async () => {
      const { owner, queueId } = await service.openLine();
      const filled = Array.from({ length: 1_200 }, (_, n) => ({
        name: `Guest ${n}`,
        state: 'waiting' as const,
      }));
      await service.fill(queueId, filled);
      service.clock.advance(1);
      await service.fill(queueId, filled);
      service.clock.advance(1);
      const numbers = rowsIn(await fileOf(queueId, owner)).map(({ number }) => Number(number));
      const inOrder = numbers.toSorted((a, b) => a - b);
      assert.deepEqual(
        inOrder,
        Array.from({ length: 2_400 }, (_, n) => n + 1),
      );
      assert.deepEqual(new Set(numbers.slice(0, 1_200)), new Set(inOrder.slice(0, 1_200)));
      assert.equal((await reportOf(queueId, owner)).joined, 2_400);
      service.clock.set(testStart);
    });

    describe('on its way', () => {
      let owner: string;
      let queueId: string;
      before(async () => {
        ({ owner, queueId } = await service.openLine());
        // Far more than the sockets and streams between here and there take in.
        const notes = 'x'.repeat(1_000);
        await service.fill(
          queueId,
          Array.from({ length: 30_000 }, (_, n) => ({
            name: `Guest ${n}`,
            state: 'left' as const,
          })),
        );
        await service.db
          .updateTable('personal')
          .set({ notes })
          .where('queue_id', '=', uuidToBytes(queueId))
          .execute();
        service.clock.advance(1);
        await service.app.listen({ host: '127.0.0.1', port: 0 });
      });
      after(() => service.clock.set(testStart));

      async function begin(method = 'GET'): Promise<IncomingMessage> {
        const { port } = service.app.server.address() as AddressInfo;
        const request = httpGet({
          method,
          port,
          path: `/v1/queues/${queueId}/parties.csv`,
          headers: await service.headersOf(owner),
        });
        const [response] = (await once(request, 'response')) as [IncomingMessage];
        return response;
      }

      it('is read no faster than it is taken, and no further once its taker has gone', async () => {
        const { db } = service.deps;
        let pages = 0;
        service.deps.db = db.withPlugin(
          afterQuery(/parties_joined/, async () => {
            pages += 1;
          }),
        );
        try {
          const response = await begin();
          assert.equal(response.statusCode, 200);
          // Nobody takes it, while another whole file is read: this one comes to rest long before its end.
          service.deps.db = db;
          assert.equal(rowsIn(await fileOf(queueId, owner)).length, 30_000);
          assert.ok(pages < 29, `${pages} pages were read`);
          response.destroy();
          await until('the server has seen it go', async () => {
            const { promise, resolve } = Promise.withResolvers<number>();
            service.app.server.getConnections((_error, count) => resolve(count));
            return (await promise) === 0;
          });
          const then = pages;
          // Had it gone on, it would be seen by the end of another.
          assert.equal(rowsIn(await fileOf(queueId, owner)).length, 30_000);
          assert.ok(pages - then <= 1, `${pages - then} more pages were read`);
        } finally {
          service.deps.db = db;
        }
      });

      it('breaks off when the database does, so that half of it is not taken for the whole', async () => {
        const { db } = service.deps;
        let pages = 0;
        service.deps.db = db.withPlugin(
          afterQuery(/parties_joined/, async () => {
            pages += 1;
            if (pages === 3) throw new Error('the database went away');
          }),
        );
        try {
          const response = await begin();
          let bytes = 0;
          const reading = async () => {
            for await (const chunk of response) bytes += chunk.length;
          };
          await assert.rejects(reading, { code: 'ECONNRESET' });
          assert.ok(bytes > 0 && !response.complete);
        } finally {
          service.deps.db = db;
        }
      });

      it('is not read for who asks for its head alone', async () => {
        const { db } = service.deps;
        let pages = 0;
        service.deps.db = db.withPlugin(
          afterQuery(/parties_joined/, async () => {
            pages += 1;
          }),
        );
        try {
          const head = await begin('HEAD');
          assert.equal(head.statusCode, 200);
          await head.resume().toArray();
          assert.equal(pages, 0);
          const whole = await begin();
          whole.destroy();
          assert.ok(pages > 0);
          for (const name of ['content-type', 'content-disposition', 'cache-control']) {
            assert.ok(head.headers[name] !== undefined, name);
            assert.equal(head.headers[name], whole.headers[name], name);
          }
          assert.equal(head.headers['content-length'], undefined);
        } finally {
          service.deps.db = db;
        }
      });

      it('is a problem when the database was away before it began', async () => {
        const { db } = service.deps;
        service.deps.db = db.withPlugin(
          afterQuery(/parties_joined/, async () => {
            throw Object.assign(new Error('away'), { code: 'ECONNREFUSED' });
          }),
        );
        try {
          const answer = await fileOf(queueId, owner);
          assertProblem(answer, 'unavailable');
          assert.equal(answer.headers['content-disposition'], undefined);
        } finally {
          service.deps.db = db;
        }
      });
    });
  });

  it('is for managers of the venue', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    const stranger = (await service.openLine()).owner;
    const host = await service.member(venueId, 'host');
    const manager = await service.member(venueId, 'manager');
    for (const path of ['report', 'parties.csv']) {
      const url = `/v1/queues/${queueId}/${path}`;
      assertProblem(await get(url), 'unauthenticated');
      assertProblem(await get(url, stranger), 'not-found');
      assertProblem(await get(`/v1/queues/${newId(service.clock)}/${path}`, owner), 'not-found');
      assertProblem(await get(url, host), 'forbidden');
      assert.equal((await get(url, manager)).status, 200);
    }
  });

  it('is refused of a period that makes no sense, naming the field', async () => {
    const { owner, queueId } = await service.openLine();
    for (const [query, path] of [
      ['from=2026-11-21', 'from'],
      ['from=2026-11-20T20:00:00.001Z', 'from'],
      ['from=2026-11-20&to=2026-11-19', 'from'],
      ['from=2026-11-21&to=2026-11-19', 'from'],
      ['to=2026-11-18', 'to'],
      ['to=2026-11-20T04:59:59Z', 'to'],
      ['from=2025-10-15&to=2026-11-19', 'from'],
      ['to=2028-01-01', 'to'],
      ['from=2026-02-29', 'from'],
      ['from=20-11-2026', 'from'],
      ['from=2026-11-20T20:00:00', 'from'],
      ['from=2026-11-20T20:00:00+00:00', 'from'],
      ['to=yesterday', 'to'],
      ['to=', 'to'],
      ['from=2026-11-01&from=2026-11-02', 'from'],
      ['from=0000-01-01&to=0000-01-02', 'from'],
      ['from=9999-12-30&to=9999-12-31', 'from'],
      ['to=9999-12-31', 'to'],
      ['since=2026-11-01', 'since'],
    ] as const) {
      for (const answered of ['report', 'parties.csv']) {
        const answer = await get(`/v1/queues/${queueId}/${answered}?${query}`, owner);
        assert.deepEqual(assertProblem(answer, 'validation-failed'), [path], query);
      }
    }
  });
});

/** Runs a hook after each statement that matches. */
function afterQuery(pattern: RegExp, hook: () => Promise<void>): KyselyPlugin {
  const matching = new WeakSet<object>();
  return {
    transformQuery({ node, queryId }) {
      if (pattern.test(JSON.stringify(node))) matching.add(queryId);
      return node;
    },
    async transformResult({ result, queryId }) {
      if (matching.has(queryId)) await hook();
      return result;
    },
  };
}
