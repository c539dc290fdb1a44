import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { VenueEvent, VenueQueue } from '@queue-manager/contracts/live';
import { limits } from '@queue-manager/contracts/values';
import { newId } from '@queue-manager/service-kit/ids';
import { credentialHeader } from '@queue-manager/service-kit/internal-credential';
import { testCredential } from '@queue-manager/service-kit/testing';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';

describe('venue changes', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const headers = { [credentialHeader]: testCredential };
  const get = (url: string) => service.call('GET', url, { headers });
  const post = (venueId: string, body: object) =>
    service.call('POST', `/internal/venues/${venueId}/changes`, { headers, body });
  async function changes(venueId: string, after: Record<string, number | null>, limit = 100) {
    const named = Object.entries(after).map(([queueId, seq]) => ({ queueId, seq }));
    const { status, body } = await post(venueId, { after: named, limit });
    assert.equal(status, 200);
    return {
      occupancy: body.occupancy,
      queues: (body.queues as VenueQueue[]).map(({ id, seq, waiting, deleted }) => [
        ...[id, seq, waiting],
        ...(deleted ? ['deleted'] : []),
      ]),
      events: (body.events as VenueEvent[]).map(({ queueId, seq, type }) => [queueId, seq, type]),
    };
  }
  const openBar = async (venueId: string, as: string): Promise<string> =>
    (await service.call('POST', `/v1/venues/${venueId}/queues`, { as, body: { name: 'Bar' } })).body
      .id;

  it('returns events after those named, with the state of each queue and the occupancy', async () => {
    const { owner, venueId, queueId } = await service.openLine({}, { capacity: 10 });
    service.clock.advance(1);
    const bar = await openBar(venueId, owner);
    const { body: ana } = await service.add(queueId, owner, { size: 3 });
    await service.add(bar, owner);
    assert.deepEqual(await changes(venueId, { [queueId]: 1, [bar]: null }), {
      occupancy: { occupancy: 0, capacity: 10, available: 10 },
      queues: [
        [queueId, 2, 1],
        [bar, 2, 1],
      ],
      events: [[queueId, 2, 'party.joined']],
    });
    await service.move(ana, 'seat', owner);
    assert.deepEqual(await changes(venueId, { [queueId]: 2, [bar]: 2 }), {
      occupancy: { occupancy: 3, capacity: 10, available: 7 },
      queues: [[queueId, 3, 0]],
      events: [[queueId, 3, 'party.seated']],
    });
    const { body } = await post(venueId, { after: [{ queueId, seq: 0 }], limit: 100 });
    const { seq, deleted, ...queue } = body.queues[0];
    const shown = await service.call('GET', `/v1/queues/${queueId}`, { as: owner });
    assert.deepEqual([queue, seq, deleted], [shown.body, 3, false]);
    const told = await get(`/internal/queues/${queueId}/events?after=0`);
    assert.deepEqual(
      body.events,
      told.body.events.map((event: object) => ({ ...event, queueId })),
    );
    assert.deepEqual((await changes(venueId, {})).queues, []);
  });

  it('returns no state before the events that led to it', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    // The queues are read in the order of their ids.
    service.clock.advance(1);
    const bar = await openBar(venueId, owner);
    for (let party = 0; party < 3; party++) await service.add(queueId, owner);
    await service.add(bar, owner);
    const [events, queues] = [[] as unknown[], [] as unknown[]];
    const after = { [queueId]: 0, [bar]: 0 };
    for (let reads = 0; reads < 3; reads++) {
      const read = await changes(venueId, after, 2);
      for (const [id, seq] of read.events) after[id as string] = seq as number;
      events.push(read.events.length);
      queues.push(read.queues);
    }
    assert.deepEqual(events, [2, 2, 2]);
    assert.deepEqual(queues, [[], [[queueId, 4, 3]], [[bar, 2, 1]]]);
  });

  it('returns deleted queues, and states behind what is named', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    service.clock.advance(1);
    const bar = await openBar(venueId, owner);
    await service.add(bar, owner);
    await service.call('DELETE', `/v1/queues/${bar}`, { as: owner });
    await service.clearDeleted(venueId);
    const read = await changes(venueId, { [queueId]: 99, [bar]: 2 });
    assert.deepEqual(read.queues, [
      [queueId, 1, 0],
      [bar, 4, 0, 'deleted'],
    ]);
    const listed = await get(`/internal/venues/${venueId}/queues`);
    assert.deepEqual(listed.body, { queues: [{ queueId, seq: 1 }] });
  });

  it('ignores queues of other venues', async () => {
    const { venueId } = await service.openLine();
    const other = await service.openLine();
    await service.add(other.queueId, other.owner);
    for (const seq of [null, 0, 1, 99]) {
      const { queues, events } = await changes(venueId, { [other.queueId]: seq });
      assert.deepEqual([queues, events], [[], []]);
    }
    assert.deepEqual((await changes(venueId, { [newId(service.clock)]: 0 })).queues, []);
  });

  it('knows the roles of members, and neither roles nor queues of a deleted venue', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    const host = await service.member(venueId, 'host');
    const { owner: stranger } = await service.openLine();
    const roleOf = async (userId: string) =>
      (await get(`/internal/venues/${venueId}/roles/${userId}`)).body.role;
    assert.deepEqual(
      [await roleOf(owner), await roleOf(host), await roleOf(stranger)],
      ['owner', 'host', null],
    );
    await service.call('DELETE', `/v1/queues/${queueId}`, { as: owner });
    assert.deepEqual((await get(`/internal/venues/${venueId}/queues`)).body, { queues: [] });
    await service.call('DELETE', `/v1/venues/${venueId}`, { as: owner });
    assert.equal(await roleOf(owner), null);
    for (const id of [venueId, newId(service.clock)]) {
      assertProblem(await get(`/internal/venues/${id}/queues`), 'not-found');
      assertProblem(await post(id, { after: [], limit: 1 }), 'not-found');
    }
  });

  it('refuses more queues than one read takes', async () => {
    const { venueId } = await service.openLine();
    const after = Array.from({ length: limits.queuesPerReadMax + 1 }, () => ({
      queueId: newId(service.clock),
      seq: 0,
    }));
    assertProblem(await post(venueId, { after, limit: 1 }), 'validation-failed');
  });
});
