import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get as httpGet, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { until } from '@queue-manager/service-kit/testing';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';
import { afterQuery, reportCalls, reportStart } from './testing.ts';

describe('export parties', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
    service.clock.set(reportStart);
  });
  after(() => service.stop());

  const header =
    'number,name,size,lane,state,source,email,phone,notes,joinedAt,calledAt,confirmedAt,seatedAt,departedAt,endedAt,calls,waitSeconds,quotedP50Seconds';
  const { reportOf, fileOf, rowsIn, quote } = reportCalls(() => service);

  it('returns RFC 4180 CSV with formulas escaped', async () => {
    service.clock.set(reportStart);
    const { owner, queueId } = await service.openLine({}, { timezone: 'Asia/Kolkata' });
    const nasty = [
      { name: '=HYPERLINK("http://x.test";"Ana, \'Zé\'")', notes: 'ok\n=1+1, "two";@3' },
      { name: '+Zoë 🎉', phone: '+351 912 345 678', email: '-ana@example.com' },
      { name: '1-2', size: 4, lane: 'priority', notes: '2 high chairs' },
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
      ['\'=HYPERLINK("http://x.test";"Ana, \'Zé\'")', "'+Zoë 🎉", "'1-2", ''],
    );
    assert.equal(rows[0]?.notes, 'ok\n\'=1+1, "two";\'@3');
    assert.equal(rows[0]?.quotedP50Seconds, '');
    assert.equal(rows[2]?.notes, '2 high chairs');
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
    service.clock.set(reportStart);
  });

  it('returns only the header for a night without guests, and names the file by its days', async () => {
    const { owner, queueId } = await service.openLine();
    const answer = await fileOf(queueId, owner, '?from=2026-11-01&to=2026-11-19');
    assert.equal(answer.raw.toString(), `\ufeff${header}\r\n`);
    assert.equal(
      answer.headers['content-disposition'],
      'attachment; filename="parties-2026-11-01-to-2026-11-19.csv"',
    );
  });

  it('lists each party once, in the order of joining, also when many joined in one millisecond', async () => {
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
    service.clock.set(reportStart);
  });

  describe('while streaming', () => {
    let owner: string;
    let queueId: string;
    before(async () => {
      ({ owner, queueId } = await service.openLine());
      // Far more than the buffers of sockets and streams hold.
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
    after(() => service.clock.set(reportStart));

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

    it('reads no faster than the client, and stops when the client disconnects', async () => {
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
        // The client reads nothing while another file is read completely: this export must pause long before its end.
        service.deps.db = db;
        assert.equal(rowsIn(await fileOf(queueId, owner)).length, 30_000);
        assert.ok(pages < 29, `${pages} pages were read`);
        response.destroy();
        await until('the server noticed the disconnect', async () => {
          const { promise, resolve } = Promise.withResolvers<number>();
          service.app.server.getConnections((_error, count) => resolve(count));
          return (await promise) === 0;
        });
        const then = pages;
        // If it had continued, another complete export would show it.
        assert.equal(rowsIn(await fileOf(queueId, owner)).length, 30_000);
        assert.ok(pages - then <= 1, `${pages - then} more pages were read`);
      } finally {
        service.deps.db = db;
      }
    });

    it('aborts the connection when the database fails, so that half a file does not look complete', async () => {
      const { db } = service.deps;
      let pages = 0;
      service.deps.db = db.withPlugin(
        afterQuery(/parties_joined/, async () => {
          pages += 1;
          if (pages === 3) throw new Error('the database is down');
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

    it('reads no parties for a HEAD request', async () => {
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

    it('returns 503 when the database is unavailable before the first page', async () => {
      const { db } = service.deps;
      service.deps.db = db.withPlugin(
        afterQuery(/parties_joined/, async () => {
          throw Object.assign(new Error('unavailable'), { code: 'ECONNREFUSED' });
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
