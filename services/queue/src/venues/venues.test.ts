import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId } from '@queue-manager/service-kit/ids';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';

describe('venues', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const newAccount = () => newId(service.clock);

  it('return 401 without an access token', async () => {
    for (const [method, url] of [
      ['POST', '/v1/venues'],
      ['GET', '/v1/venues'],
      ['GET', `/v1/venues/${newAccount()}`],
    ] as const) {
      assertProblem(await service.call(method, url), 'unauthenticated');
    }
  });

  it('return 404 to non-members and 403 to members whose role is too low', async () => {
    const { owner, venueId } = await service.openLine();
    const url = `/v1/venues/${venueId}`;
    const host = await service.member(venueId, 'host');
    const manager = await service.member(venueId, 'manager');
    const stranger = (await service.openLine()).owner;
    const change = { body: { name: 'Mine now' } };

    for (const as of [host, manager, owner]) {
      assert.equal((await service.call('GET', url, { as })).status, 200);
    }
    assertProblem(await service.call('PATCH', url, { as: host, ...change }), 'forbidden');
    for (const as of [host, manager]) {
      assertProblem(await service.call('DELETE', url, { as }), 'forbidden');
    }
    for (const [method, options] of [
      ['GET', {}],
      ['PATCH', change],
      ['DELETE', {}],
    ] as const) {
      const answer = await service.call(method, url, { as: stranger, ...options });
      assertProblem(answer, 'not-found');
      const unknown = await service.call(method, `/v1/venues/${newAccount()}`, {
        as: owner,
        ...options,
      });
      assertProblem(unknown, 'not-found');
      assert.equal(answer.body.detail, unknown.body.detail);
    }
    assertProblem(await service.call('GET', '/v1/venues/not-an-id', { as: owner }), 'not-found');
  });
});
