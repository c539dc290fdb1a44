import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { credentialHeader } from '@queue-manager/service-kit/internal-credential';
import { testCredential, until } from '@queue-manager/service-kit/testing';
import { sql } from 'kysely';
import { queueClear } from '../tasks/kinds/queue-clear.ts';
import { dueTaskOf } from '../tasks/testing.ts';
import { type Answer, assertProblem, type QueueService, startQueueService } from '../testing.ts';
import { createRelay } from './relay.ts';
import { sliceSize } from './remove-slice.ts';

/*
 * No operation walks the line. How many rows a request makes the database read is counted by the database
 * itself, for the one connection that everything goes through here.
 */
describe('a long line with a long past', () => {
  let service: QueueService;
  let owner: string;
  let queueId: string;
  let joinCode: string;

  const waiting = 3_000;
  const ended = 6_000;

  before(async () => {
    service = await startQueueService({ poolSize: 1 });
    ({ owner, queueId, joinCode } = await service.openLine({ maxPartySize: 20 }));
    await service.fill(queueId, [
      ...Array.from({ length: ended }, (_, index) => ({
        name: `Past ${index}`,
        state: (['seated', 'left', 'removed', 'no_show'] as const)[index % 4] ?? 'seated',
        size: 1 + (index % 20),
      })),
      ...Array.from({ length: waiting }, (_, index) => ({
        name: `Guest ${index}`,
        state: index % 100 === 0 ? ('called' as const) : ('waiting' as const),
        // Nobody of 9 or more waits.
        size: 1 + (index % 8),
        lane: index % 10 === 0 ? ('priority' as const) : ('regular' as const),
      })),
    ]);
    for (const table of ['parties', 'personal', 'events', 'outbox', 'queues']) {
      await sql`ANALYZE TABLE ${sql.table(table)}`.execute(service.db);
    }
  });
  after(() => service.stop());

  async function rowsReadSoFar(): Promise<number> {
    const { rows } = await sql<{ Variable_name: string; Value: string }>`
      SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler_read%'
        OR Variable_name = 'Handler_icp_attempts'`.execute(service.db);
    return rows.reduce((sum, { Value }) => sum + Number(Value), 0);
  }

  /** Rows, and entries of indexes, that the database reads for some work. */
  async function rowsReadBy<T>(work: () => Promise<T>): Promise<{ result: T; rows: number }> {
    // Asking is counted as well.
    const first = await rowsReadSoFar();
    const asking = (await rowsReadSoFar()) - first;
    const before = await rowsReadSoFar();
    const result = await work();
    return { result, rows: (await rowsReadSoFar()) - before - asking };
  }

  async function assertReads(limit: number, work: () => Promise<Answer>): Promise<Answer> {
    const { result, rows } = await rowsReadBy(work);
    assert.ok(rows <= limit, `${rows} rows read, not ${limit}`);
    return result;
  }

  const callNext = (body: object) =>
    service.call('POST', `/v1/queues/${queueId}/call-next`, { as: owner, body });
  const list = (query: string) =>
    service.call('GET', `/v1/queues/${queueId}/parties${query}`, { as: owner });

  /** What a request reads besides: who asks, for what, its follow-up work, and what the answer shows of a party. */
  const around = 60;

  it('reads a few rows for a join, also with contacts that may be duplicates', async () => {
    const known = { email: 'known@example.com', phone: '+351912345678' };
    for (const body of [{}, known, known]) {
      const { status } = await assertReads(around, () => service.join(joinCode, body));
      assert.equal(status, 201);
    }
    await assertReads(around, () => service.add(queueId, owner));
  });

  it('reads a few rows for call-next, with a filter one per size', async () => {
    for (const [body, limit] of [
      [{}, around],
      [{ lane: 'priority' }, around],
      [{ lane: 'regular' }, around],
      [{ maxSize: 4 }, around + 4 * 3],
      [{ minSize: 8, maxSize: 8 }, around + 3],
      [{ minSize: 5, maxSize: 9, lane: 'regular' }, around + 5 * 3],
    ] as const) {
      const { status } = await assertReads(limit, () => callNext(body));
      assert.equal(status, 200);
    }
    for (const body of [
      { minSize: 9, maxSize: 20 },
      { minSize: 9 },
      { minSize: 9, lane: 'priority' as const },
    ]) {
      const answer = await assertReads(around + 100, () => callNext(body));
      assertProblem(answer, 'nobody-waiting');
    }
  });

  it('reads a few rows for a move', async () => {
    const party = (await list('?limit=1')).body.data[0];
    for (const move of ['call', 'no-show']) {
      const { status } = await assertReads(around, () => service.move(party, move, owner));
      assert.equal(status, 200);
    }
    await assertReads(around, () =>
      service.call('PATCH', `/v1/parties/${party.id}`, { as: owner, body: { size: 2 } }),
    );
  });

  it('reads a few rows for another place, and for a restore', async () => {
    const parties = [];
    for (let count = 0; count < 4; count += 1) {
      parties.push((await service.add(queueId, owner)).body);
    }
    const [first, , , last] = parties;
    for (const [party, move, body] of [
      [last, 'move', { position: 1, reason: 'Asked to' }],
      [last, 'move', { position: 3, reason: 'Asked to' }],
      [first, 'move', { position: 1_000_000, reason: 'Asked to' }],
      [last, 'snooze', { places: 1 }],
      [last, 'call'],
      [last, 'snooze', { places: 1, giveUpCall: true }],
      [last, 'call'],
      [last, 'confirm'],
      [last, 'restore'],
    ] as const) {
      const { status } = await assertReads(around, () =>
        service.move(party, move, owner, undefined, body),
      );
      assert.equal(status, 200);
    }
  });

  it('reads one page for a page of the list, whatever its start and filters', async () => {
    const limit = 50;
    for (const [query, states] of [
      ['', 2],
      ['&state=waiting', 1],
      ['&state=waiting&lane=priority', 1],
      ['&state=seated', 1],
      ['&state=waiting,called,seated,left,removed,no_show', 6],
    ] as const) {
      // A page of each state, in the index and in the table; their merge; the names and quotes of those shown.
      const most = around + (4 * states + 6) * (limit + 1);
      let cursor = '';
      for (let page = 0; page < 4; page += 1) {
        const { body } = await assertReads(most, () => list(`?limit=${limit}${query}${cursor}`));
        assert.equal(body.data.length, limit);
        cursor = `&cursor=${body.nextCursor}`;
      }
    }
  });

  it('reads the matching rows for a search', async () => {
    const byNumber = await assertReads(around + 20, () => list('?q=6500'));
    assert.equal(byNumber.body.data.length, 1);
    const byName = await assertReads(around + 12 * 11, () => list('?q=guest%20299'));
    // 299 and 2990 to 2999.
    assert.equal(byName.body.data.length, 11);
    const nobody = await assertReads(around, () => list('?q=zz'));
    assert.deepEqual(nobody.body.data, []);
    const past = await assertReads(around + 50, () => list('?state=seated&q=past%20599'));
    assert.ok(past.body.data.length > 0);
  });

  it('reads the parties in line once for a snapshot, and no ended ones', async () => {
    const { waiting: now, called } = await service.rowOf(queueId);
    const answer = await assertReads(around + 2 * (now + called), () =>
      service.call('GET', `/internal/queues/${queueId}/snapshot`, {
        headers: { [credentialHeader]: testCredential },
      }),
    );
    assert.equal(answer.raw.toString().trim().split('\n').length, 1 + now + called);
  });

  it('reads the events to send for the relay, however many wait or were sent', async () => {
    const { db, clock, deps } = service;
    const sent: string[] = [];
    const relay = createRelay({
      db,
      clock,
      logger: deps.logger,
      // What is read, not what is sent, is what counts here.
      publisher: {
        async publish(events) {
          sent.push(...events.map(({ id }) => id));
          return { failed: new Map(), unanswered: new Map() };
        },
      },
    });
    const all = (await service.eventsOf(queueId)).length;
    clock.advance(1);
    const { rows } = await rowsReadBy(async () => {
      relay.start();
      await until('all events are sent', () => sent.length >= all);
      await relay.stop();
    });
    assert.ok(rows < 12 * all, `${rows} rows read for ${all} events`);
    assert.equal(new Set(sent).size, all);
    const left = await db
      .selectFrom('events')
      .select('seq')
      .where('queue_id', '=', uuidToBytes(queueId))
      .where('relay_at', 'is not', null)
      .execute();
    assert.deepEqual(left, []);
  });

  it('reads each party once, slice by slice, when it closes', async () => {
    const { waiting: now } = await service.rowOf(queueId);
    const { status, body } = await assertReads(around + 5 * sliceSize, () =>
      service.call('POST', `/v1/queues/${queueId}/close`, {
        as: owner,
        body: { expireWaiting: true },
      }),
    );
    assert.deepEqual([status, body.waiting], [200, now - sliceSize]);
    const task = await dueTaskOf(service, { kind: 'queue.clear' });
    const { rows } = await rowsReadBy(() => queueClear.handle(service.deps, task));
    assert.ok(rows <= 10 * now, `${rows} rows read for ${now} parties`);
    assert.equal((await service.rowOf(queueId)).waiting, 0);
    const told = () =>
      service.positionApp.events.filter(({ type }) => type === 'party.removed').length;
    await until('the position service knows of all of them', () => told() === now);
  });
});
