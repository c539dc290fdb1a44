import assert from 'node:assert/strict';
import { it } from 'node:test';
import { publicContracts } from '@queue-manager/contracts/registry';
import { newId } from '@queue-manager/service-kit/ids';
import { assertProblem, startQueueService } from './testing.ts';

it('lets the lists of an account take turns, and not wait for those of others', async () => {
  const service = await startQueueService();
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  try {
    const [busy, other] = [newId(service.clock), newId(service.clock)];
    const waiting = Array.from({ length: 65 }, () => service.deps.lists.run(busy, () => held));
    const lists = publicContracts.filter(
      ({ service: owner, schema }) =>
        owner === 'queue' && schema.querystring?.shape.limit !== undefined,
    );
    assert.equal(lists.length, 10);
    for (const { url } of lists) {
      const path = url.replace(/:\w+/g, newId(service.clock));
      assertProblem(await service.call('GET', path, { as: busy }), 'unavailable');
      const { status } = await service.call('GET', path, { as: other });
      assert.equal(status, path === '/v1/venues' ? 200 : 404, path);
    }
    release();
    await Promise.all(waiting);
    assert.equal((await service.call('GET', '/v1/venues', { as: busy })).status, 200);
  } finally {
    release();
    await service.stop();
  }
});
