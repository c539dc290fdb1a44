import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId } from '@queue-manager/service-kit/ids';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';

describe('update venue', () => {
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

  it('changes only the given fields, for a manager', async () => {
    const { body: venue } = await make(newAccount(), { capacity: 50 });
    const url = `/v1/venues/${venue.id}`;
    const manager = await service.member(venue.id, 'manager');
    const changes = {
      name: 'The Red Door',
      timezone: 'Europe/Berlin',
      locale: 'de',
      capacity: null,
      dayStartsAt: '04:00',
      retentionDays: 60,
      accentColor: '#0f766e',
    };
    const changed = await service.call('PATCH', url, { as: manager, body: changes });
    assert.equal(changed.status, 200);
    assert.deepEqual(changed.body, { ...venue, ...changes, role: 'manager' });
    assert.deepEqual((await service.call('GET', url, { as: manager })).body, changed.body);

    const inCapitals = await service.call('PATCH', url, {
      as: manager,
      body: { accentColor: '#0F766E' },
    });
    assert.equal(inCapitals.body.accentColor, changes.accentColor);
    const nothing = await service.call('PATCH', url, { as: manager, body: {} });
    assert.deepEqual([nothing.status, nothing.body], [200, changed.body]);

    for (const [body, path] of [
      [{ name: null }, 'name'],
      [{ role: 'owner' }, 'role'],
      [{ capacity: -1 }, 'capacity'],
    ] as const) {
      const answer = await service.call('PATCH', url, { as: manager, body });
      assert.deepEqual(assertProblem(answer, 'validation-failed'), [path]);
    }
  });
});
