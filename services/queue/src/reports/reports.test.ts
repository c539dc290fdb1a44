import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '@queue-manager/service-kit/ids';
import { until } from '@queue-manager/service-kit/testing';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';
import { afterQuery, reportCalls, reportStart } from './testing.ts';

describe('reports', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
    service.clock.set(reportStart);
  });
  after(() => service.stop());

  const { get } = reportCalls(() => service);

  it('are open to managers of the venue', async () => {
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

  it('of a venue are open to its managers, and only about its own queues', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    const other = await service.openLine();
    const host = await service.member(venueId, 'host');
    const manager = await service.member(venueId, 'manager');
    const url = `/v1/venues/${venueId}/report`;
    assertProblem(await get(url), 'unauthenticated');
    assertProblem(await get(url, other.owner), 'not-found');
    assertProblem(await get(url, host), 'forbidden');
    assert.equal((await get(url, manager)).status, 200);
    for (const queues of [other.queueId, `${queueId},${newId(service.clock)}`, 'x', '', ',']) {
      const answer = await get(`${url}?queues=${queues}`, owner);
      assert.ok(assertProblem(answer, 'validation-failed').every((path) => /^queues/.test(path)));
    }
    const answer = await get(`${url}?from=2026-11-21`, owner);
    assert.deepEqual(assertProblem(answer, 'validation-failed'), ['from']);
  });

  for (const [path, allowed] of [
    ['report', 9],
    ['parties.csv', 10],
  ] as const) {
    it(`of one account are few at a time, and do not keep others from theirs: ${path}`, async () => {
      const { owner, queueId, venueId } = await service.openLine();
      const manager = await service.member(venueId, 'manager');
      const url = `/v1/queues/${queueId}/${path}`;
      const { db } = service.deps;
      let authorised = 0;
      service.deps.db = db.withPlugin(
        afterQuery(/members AS m/, async () => {
          authorised += 1;
        }),
      );
      // Nothing is read until `release`.
      const { promise: held, resolve: release } = Promise.withResolvers<void>();
      void service.deps.pages.run(() => held);
      let refused = 0;
      const answers = Array.from({ length: allowed + 3 }, async () => {
        const { status, headers } = await get(url, owner);
        if (status === 503) refused += 1;
        return { status, retryAfter: headers['retry-after'] };
      });
      await until('three are refused', () => refused === 3);
      service.deps.db = db;
      assert.ok(authorised <= allowed, 'a refusal reads nothing');
      const ofManager = get(url, manager);
      release();
      assert.equal((await ofManager).status, 200);
      const statuses = Object.groupBy(await Promise.all(answers), ({ status }) => status);
      assert.equal(statuses[200]?.length, allowed);
      assert.ok(statuses[503]?.every(({ retryAfter }) => Number(retryAfter) >= 1));
    });
  }

  it('leave half of the time to the lines', async () => {
    const { owner, queueId } = await service.openLine();
    const { db, pages } = service.deps;
    const readMs = 60;
    const heldMs: number[] = [];
    service.deps.db = db.withPlugin(afterQuery(/parties_joined/, () => delay(readMs)));
    service.deps.pages = {
      async run(work) {
        const startedAt = performance.now();
        const page = await work();
        heldMs.push(performance.now() - startedAt);
        return page;
      },
    };
    try {
      for (const path of ['report', 'parties.csv'])
        await get(`/v1/queues/${queueId}/${path}`, owner);
    } finally {
      Object.assign(service.deps, { db, pages });
    }
    assert.equal(heldMs.length, 2);
    for (const ms of heldMs) assert.ok(ms > 1.9 * readMs, `${ms} ms`);
  });

  it('return 400 for an invalid period and name the field', async () => {
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
