import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId } from '@queue-manager/service-kit/ids';
import { assertProblem, type QueueService, startQueueService, testStart } from '../testing.ts';

describe('create venue', () => {
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

  it('creates a venue that the caller owns, with defaults for all but name and time zone', async () => {
    const owner = newAccount();
    const { status, body } = await make(owner);
    assert.equal(status, 201);
    const { id, ...rest } = body;
    assert.deepEqual(rest, {
      name: 'The Blue Door',
      timezone: 'Europe/Lisbon',
      locale: 'en',
      capacity: null,
      occupancy: 0,
      dayStartsAt: '05:00',
      retentionDays: 30,
      accentColor: null,
      feed: false,
      role: 'owner',
      createdAt: testStart,
    });
    const { body: read } = await service.call('GET', `/v1/venues/${id}`, { as: owner });
    assert.deepEqual(read, body);
  });

  it('stores every field of the request', async () => {
    const fields = {
      name: 'Casa Ünïcode 🍷',
      timezone: 'America/New_York',
      locale: 'pt-PT',
      capacity: 120,
      dayStartsAt: '06:30',
      retentionDays: 7,
      accentColor: '#0f766e',
    };
    const owner = newAccount();
    const { body } = await make(owner, fields);
    assert.partialDeepStrictEqual(body, fields);
    const { body: read } = await service.call('GET', `/v1/venues/${body.id}`, { as: owner });
    assert.deepEqual(read, body);
  });

  it('returns 400 and names every invalid field', async () => {
    const owner = newAccount();
    const refused: [object, string[]][] = [
      [{ name: '   ' }, ['name']],
      [{ accentColor: 'teal' }, ['accentColor']],
      [{ accentColor: '#0f766' }, ['accentColor']],
      [{ name: 'x'.repeat(81) }, ['name']],
      [{ name: 'two\nlines' }, ['name']],
      [{ timezone: 'Mars/Olympus' }, ['timezone']],
      [{ timezone: '+02:00' }, ['timezone']],
      [{ locale: 'not a locale' }, ['locale']],
      [{ capacity: 0 }, ['capacity']],
      [{ capacity: 1.5 }, ['capacity']],
      [{ dayStartsAt: '24:00' }, ['dayStartsAt']],
      [{ retentionDays: 0 }, ['retentionDays']],
      [{ retentionDays: '30' }, ['retentionDays']],
      [{ occupancy: 3 }, ['occupancy']],
      [{ name: undefined, timezone: undefined }, ['name', 'timezone']],
    ];
    for (const [body, paths] of refused) {
      assert.deepEqual(assertProblem(await make(owner, body), 'validation-failed'), paths);
    }
    const venues = await service.call('GET', '/v1/venues', { as: owner });
    assert.deepEqual(venues.body, { data: [], nextCursor: null });
  });
});
