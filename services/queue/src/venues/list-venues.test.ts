import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId } from '@queue-manager/service-kit/ids';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';

describe('list venues', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const make = (as: string, body: object = {}) =>
    service.call('POST', '/v1/venues', {
      as,
      body: { name: 'The Blue Door', timezone: 'Europe/Lisbon', ...body },
    });
  const newAccount = () => newId(service.clock);

  it('lists only the caller’s venues, page by page, with its role in each', async () => {
    const owner = newAccount();
    const ids: string[] = [];
    for (let made = 0; made < 5; made += 1) {
      service.clock.advance(1);
      ids.push((await make(owner, { name: `Venue ${made}` })).body.id);
    }
    const elsewhere = await make(newAccount());
    const host = await service.member(ids[1] as string, 'host');

    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page = await service.call(
        'GET',
        `/v1/venues?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`,
        { as: owner },
      );
      assert.ok(page.body.data.length <= 2);
      seen.push(...page.body.data.map(({ id }: { id: string }) => id));
      cursor = page.body.nextCursor;
    }
    assert.deepEqual(seen, ids);
    assert.ok(!seen.includes(elsewhere.body.id));

    const { body } = await service.call('GET', '/v1/venues', { as: host });
    assert.deepEqual(
      body.data.map(({ id, role }: { id: string; role: string }) => ({ id, role })),
      [{ id: ids[1], role: 'host' }],
    );
  });

  it('returns 400 for a malformed cursor or a limit out of range', async () => {
    const owner = newAccount();
    for (const cursor of ['x', 'e30', 'WyJ4Il0', 'WzFd', 'W251bGxd']) {
      const answer = await service.call('GET', `/v1/venues?cursor=${cursor}`, { as: owner });
      assert.deepEqual(assertProblem(answer, 'validation-failed'), ['cursor']);
    }
    for (const limit of ['0', '101', 'many', '1.5']) {
      const answer = await service.call('GET', `/v1/venues?limit=${limit}`, { as: owner });
      assert.deepEqual(assertProblem(answer, 'validation-failed'), ['limit']);
    }
  });
});
