import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { publicUrl, type QueueService, startQueueService } from '../testing.ts';

describe('create queue', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const make = (venueId: string, as: string, body: object = {}) =>
    service.call('POST', `/v1/venues/${venueId}/queues`, { as, body: { name: 'Bar', ...body } });
  const get = (queueId: string, as: string) => service.call('GET', `/v1/queues/${queueId}`, { as });
  const eventTypes = async (queueId: string) =>
    (await service.eventsOf(queueId)).map(({ type }) => type);

  it('creates an open queue with defaults for all but the name', async () => {
    const { owner, venueId } = await service.openLine();
    const { status, body } = await make(venueId, owner);
    assert.equal(status, 201);
    const { id, joinCode, ...rest } = body;
    assert.match(joinCode, /^[0-9A-HJKMNP-TV-Z]{10}$/);
    assert.deepEqual(rest, {
      venueId,
      name: 'Bar',
      text: null,
      endMessage: null,
      state: 'open',
      joinUrl: `${publicUrl}/j/${joinCode}`,
      waiting: 0,
      called: 0,
      maxWaiting: null,
      maxPartySize: 20,
      callGraceSeconds: 300,
      selfJoin: true,
      boardLabels: 'number',
    });
    assert.deepEqual((await get(id, owner)).body, body);
    assert.deepEqual(await eventTypes(id), ['queue.changed']);
  });

  it('stores every field of the request', async () => {
    const { owner, venueId } = await service.openLine();
    const fields = {
      name: 'Guest list',
      text: 'Please have your ID ready.\nThank you!',
      endMessage: 'Enjoy.',
      maxWaiting: 200,
      maxPartySize: 8,
      callGraceSeconds: 600,
      selfJoin: false,
      boardLabels: 'name',
    };
    const { body } = await make(venueId, owner, fields);
    assert.partialDeepStrictEqual(body, fields);
    assert.deepEqual((await get(body.id, owner)).body, body);
  });
});
