import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId } from '@queue-manager/service-kit/ids';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';
import { occupancyCalls } from './testing.ts';

describe('change occupancy', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const { count, click, changesOf, seat, openDoor } = occupancyCalls(() => service);

  it('counts up and down, never below 0, and shows the count with the venue', async () => {
    const { owner, venueId, host } = await openDoor();
    assert.deepEqual(await count(venueId, host), { occupancy: 0, capacity: 10, available: 10 });
    const { status, body } = await click(venueId, host, { delta: 4 });
    assert.equal(status, 200);
    assert.deepEqual(body, { occupancy: 4, capacity: 10, available: 6 });
    const down = await click(venueId, host, { delta: -1 });
    assert.deepEqual(down.body, { occupancy: 3, capacity: 10, available: 7 });
    assert.deepEqual(await count(venueId, host), down.body);
    const venue = await service.call('GET', `/v1/venues/${venueId}`, { as: owner });
    assert.equal(venue.body.occupancy, 3);

    // The record holds the applied delta: -3, not -8.
    const below = await click(venueId, host, { delta: -8, reason: 'Recounted' });
    assert.deepEqual(below.body, { occupancy: 0, capacity: 10, available: 10 });
    const [last, ...earlier] = await changesOf(venueId, owner);
    const { id, ...facts } = last;
    assert.deepEqual(facts, {
      time: service.clock.now().toISOString(),
      delta: -3,
      occupancy: 0,
      partyId: null,
      actor: { kind: 'staff', userId: host },
      override: false,
      reason: 'Recounted',
    });
    assert.deepEqual(
      earlier.map(({ delta }: { delta: number }) => delta),
      [-1, 4],
    );
  });

  it('returns 409 beyond the capacity and says how many people fit', async () => {
    const { owner, venueId, host } = await openDoor();
    await click(venueId, host, { delta: 8 });
    const refused = await click(venueId, host, { delta: 3 });
    assertProblem(refused, 'venue-full');
    assert.match(refused.body.detail, /room for 2 more, not 3: 8 of 10/);
    assert.equal((await click(venueId, host, { delta: 2 })).body.available, 0);
    assertProblem(await click(venueId, host, { delta: 1 }), 'venue-full');
    assert.equal((await changesOf(venueId, owner)).length, 2);
  });

  it('counts without a limit when the venue has no capacity', async () => {
    const { owner, venueId, queueId, host } = await openDoor(null);
    await click(venueId, host, { delta: 1_000 });
    await seat(queueId, host, 5);
    assert.deepEqual(await count(venueId, host), {
      occupancy: 1_005,
      capacity: null,
      available: null,
    });
    // A capacity set later, below the count, only keeps more people out.
    const { status, body } = await service.call('PATCH', `/v1/venues/${venueId}`, {
      as: owner,
      body: { capacity: 100 },
    });
    assert.deepEqual([status, body.capacity, body.occupancy], [200, 100, 1_005]);
    assert.deepEqual(await count(venueId, host), {
      occupancy: 1_005,
      capacity: 100,
      available: 0,
    });
    const refused = await click(venueId, host, { delta: 1 });
    assertProblem(refused, 'venue-full');
    assert.match(refused.body.detail, /room for 0 more/);
    assert.equal((await click(venueId, host, { delta: -1 })).body.occupancy, 1_004);
  });

  it('counts a repeat with the same idempotency key once', async () => {
    const { owner, venueId, host } = await openDoor();
    const key = newId(service.clock);
    const answers = await Promise.all([1, 2, 3].map(() => click(venueId, host, { delta: 2 }, key)));
    for (const { status, body } of answers) {
      assert.deepEqual([status, body.occupancy], [200, 2]);
    }
    await click(venueId, host, { delta: 1 });
    assert.equal((await click(venueId, host, { delta: 2 }, key)).body.occupancy, 2);
    assert.equal((await count(venueId, host)).occupancy, 3);
    assertProblem(await click(venueId, host, { delta: 3 }, key), 'idempotency-key-reused');
    // A refused request leaves its key free.
    const full = newId(service.clock);
    assertProblem(await click(venueId, host, { delta: 8 }, full), 'venue-full');
    await click(venueId, host, { delta: -1 });
    assert.equal((await click(venueId, host, { delta: 8 }, full)).body.occupancy, 10);
    assert.equal((await changesOf(venueId, owner)).length, 4);
  });

  it('returns 400 for an invalid delta, override or reason', async () => {
    const { venueId, host } = await openDoor();
    const refusals: [object, string][] = [
      [{}, 'delta'],
      [{ delta: 0 }, 'delta'],
      [{ delta: 1.5 }, 'delta'],
      [{ delta: 1_001 }, 'delta'],
      [{ delta: -1_001 }, 'delta'],
      [{ delta: '2' }, 'delta'],
      [{ delta: 1, override: true }, 'reason'],
      [{ delta: 1, override: 'yes', reason: 'x' }, 'override'],
      [{ delta: 1, reason: '' }, 'reason'],
      [{ delta: 1, occupancy: 4 }, 'occupancy'],
    ];
    for (const [body, path] of refusals) {
      const paths = assertProblem(await click(venueId, host, body), 'validation-failed');
      assert.deepEqual([...new Set(paths)], [path], JSON.stringify(body));
    }
  });

  it('sends an event of each count, and of a new capacity, that a repeat does not send again', async () => {
    const { owner, venueId, host, queueId } = await openDoor();
    const patchVenue = (body: object) =>
      service.call('PATCH', `/v1/venues/${venueId}`, { as: owner, body });
    const key = newId(service.clock);
    await click(venueId, host, { delta: 4 }, key);
    await click(venueId, host, { delta: 4 }, key);
    await patchVenue({ capacity: 20 });
    await patchVenue({ capacity: 20, name: 'The Red Door' });
    // Refused: the venue would be full.
    await click(venueId, host, { delta: 17 });
    // The event of the party is enough.
    await seat(queueId, host, 2);
    await click(venueId, host, { delta: -6 });
    const staff = (userId: string) => ({ kind: 'staff', userId });
    const expected = [
      { venueId, seq: 2, occupancy: 4, capacity: 10, actor: staff(host) },
      { venueId, seq: 3, occupancy: 4, capacity: 20, actor: staff(owner) },
      { venueId, seq: 4, occupancy: 0, capacity: 20, actor: staff(host) },
    ];
    const { occupancyEvents } = service.positionApp;
    const sent = occupancyEvents.filter(({ data }) => data.venueId === venueId);
    assert.deepEqual(
      sent.map(({ data }) => data),
      expected,
    );
    const rows = await service.eventsOf(venueId);
    assert.deepEqual(
      rows.map(({ type, data }) => [type, JSON.parse(data)]),
      expected.map((data) => ['occupancy.changed', data]),
    );
    // Its number is its own.
    const { status } = await service.call('DELETE', `/v1/venues/${venueId}`, { as: owner });
    assert.equal(status, 204);
    await service.eraseDeleted(venueId);
  });

  it('numbers the events of counts at the same moment', async () => {
    const { venueId, host } = await openDoor(null);
    await Promise.all(Array.from({ length: 20 }, () => click(venueId, host, { delta: 1 })));
    const rows = await service.eventsOf(venueId);
    assert.deepEqual(
      rows.map(({ data }) => JSON.parse(data).occupancy),
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
  });
});
