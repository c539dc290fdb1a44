import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';
import { occupancyCalls } from './testing.ts';

describe('occupancy', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const eventsOf = async (queueId: string, partyId: string) => {
    const rows = await service.eventsOf(queueId);
    const reasons = await service.db
      .selectFrom('reasons')
      .selectAll()
      .where('queue_id', '=', uuidToBytes(queueId))
      .execute();
    return rows
      .filter(({ party_id }) => party_id?.equals(uuidToBytes(partyId)))
      .map(({ type, seq, data }) => ({
        type,
        override: JSON.parse(data).override,
        reason: reasons.find((reason) => reason.seq === seq)?.text,
      }));
  };
  const { doorOf, count, click, move, patch, changesOf, add, seat, openDoor } = occupancyCalls(
    () => service,
  );

  it('is open to all staff of the venue, and so is the list of changes', async () => {
    const { owner, manager, host, venueId } = await openDoor();
    const { owner: stranger } = await openDoor();
    for (const as of [stranger, newId(service.clock)]) {
      assertProblem(await service.call('GET', doorOf(venueId), { as }), 'not-found');
      assertProblem(await click(venueId, as, { delta: 1 }), 'not-found');
      const override = { delta: 1, override: true, reason: 'x' };
      assertProblem(await click(venueId, as, override), 'not-found');
      const changes = await service.call('GET', `${doorOf(venueId)}/changes`, { as });
      assertProblem(changes, 'not-found');
    }
    for (const as of [host, manager, owner]) {
      assert.equal((await click(venueId, as, { delta: 1 })).status, 200);
      for (const url of [doorOf(venueId), `${doorOf(venueId)}/changes`]) {
        assert.equal((await service.call('GET', url, { as })).status, 200);
      }
    }
    for (const url of [doorOf(venueId), `${doorOf(venueId)}/changes`]) {
      assertProblem(await service.call('GET', url), 'unauthenticated');
    }
  });

  it('lists changes latest first, page by page, also within one millisecond', async () => {
    const { owner, venueId, host } = await openDoor(null);
    for (let delta = 1; delta <= 7; delta += 1) await click(venueId, host, { delta });
    const seen: number[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const after: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const url = `${doorOf(venueId)}/changes?limit=3${after}`;
      const { body } = await service.call('GET', url, { as: owner });
      seen.push(...body.data.map(({ delta }: { delta: number }) => delta));
      // Concurrent changes do not shift the pages.
      await click(venueId, host, { delta: 100 });
      cursor = body.nextCursor;
    }
    assert.deepEqual(seen, [7, 6, 5, 4, 3, 2, 1]);
    for (const wrong of ['x', Buffer.from('["1"]').toString('base64url'), 'WzEuNV0']) {
      const url = `${doorOf(venueId)}/changes?cursor=${wrong}`;
      const paths = assertProblem(
        await service.call('GET', url, { as: owner }),
        'validation-failed',
      );
      assert.deepEqual(paths, ['cursor']);
    }
  });

  it('grows when a party is seated and shrinks when it departs or is restored', async () => {
    const { owner, venueId, queueId, host } = await openDoor();
    const [a, b, c] = [
      await seat(queueId, host, 4),
      await seat(queueId, host, 3),
      await add(queueId, host, 2),
    ];
    assert.equal((await count(venueId, host)).occupancy, 7);
    assert.equal((await move(a.id, 'depart', host)).body.state, 'departed');
    assert.equal((await count(venueId, host)).occupancy, 3);
    assert.equal((await move(b.id, 'restore', host)).body.state, 'waiting');
    assert.equal((await count(venueId, host)).occupancy, 0);
    // Parties that are not seated do not count.
    await move(a.id, 'restore', host);
    await move(a.id, 'call', host);
    await move(a.id, 'restore', host);
    await move(c.id, 'remove', host);
    await move(c.id, 'restore', host);
    assert.equal((await count(venueId, host)).occupancy, 0);
    const changes = await changesOf(venueId, owner);
    assert.deepEqual(
      changes.map(({ delta, partyId }: { delta: number; partyId: string }) => [delta, partyId]),
      [
        [-3, b.id],
        [-4, a.id],
        [3, b.id],
        [4, a.id],
      ],
    );
    assertProblem(await move(a.id, 'depart', host), 'invalid-transition');
    await service.assertSound(queueId);
  });

  it('refuses to seat a party that does not fit, without a trace', async () => {
    const { venueId, queueId, host } = await openDoor();
    await seat(queueId, host, 8);
    const three = await add(queueId, host, 3);
    const before = await service.eventsOf(queueId);
    const refused = await move(three.id, 'seat', host);
    assertProblem(refused, 'venue-full');
    assert.deepEqual(await service.eventsOf(queueId), before);
    const two = await add(queueId, host, 2);
    assert.equal((await move(two.id, 'seat', host)).status, 200);
    assert.deepEqual(await count(venueId, host), { occupancy: 10, capacity: 10, available: 0 });
    // Seating twice counts once.
    assertProblem(await move(two.id, 'seat', host), 'invalid-transition');
    await service.assertSound(queueId);
  });

  it('is shared by all queues of the venue', async () => {
    const { owner, venueId, queueId, host } = await openDoor();
    const { body: other } = await service.call('POST', `/v1/venues/${venueId}/queues`, {
      as: owner,
      body: { name: 'Bar' },
    });
    await seat(queueId, host, 6);
    await seat(other.id, host, 4);
    assertProblem(await move((await add(other.id, host, 1)).id, 'seat', host), 'venue-full');
    // Seated parties of a deleted queue count until staff count them out.
    await service.call('DELETE', `/v1/queues/${other.id}`, { as: owner });
    assert.equal((await count(venueId, host)).occupancy, 10);
    assert.equal((await click(venueId, host, { delta: -4 })).body.occupancy, 6);
    assert.equal(
      (await service.call('DELETE', `/v1/venues/${venueId}`, { as: owner })).status,
      204,
    );
    assertProblem(await service.call('GET', doorOf(venueId), { as: host }), 'not-found');
    assertProblem(await click(venueId, host, { delta: 1 }), 'not-found');
  });

  it('stops at 0 when a party departs that staff had counted out already', async () => {
    const { venueId, queueId, host } = await openDoor();
    const party = await seat(queueId, host, 4);
    await click(venueId, host, { delta: -3 });
    assert.equal((await move(party.id, 'depart', host)).status, 200);
    assert.equal((await count(venueId, host)).occupancy, 0);
  });

  describe('with an override', () => {
    const override = { override: true, reason: 'Friends of the house' };

    it('needs a manager and a reason, and is recorded', async () => {
      const { owner, manager, host, venueId, queueId } = await openDoor(4);
      await seat(queueId, host, 3);
      const { id } = await add(queueId, host, 2);
      assertProblem(await move(id, 'seat', host, override), 'forbidden');
      for (const as of [host, manager]) {
        const paths = assertProblem(
          await move(id, 'seat', as, { override: true }),
          'validation-failed',
        );
        assert.deepEqual(paths, ['reason']);
      }
      // A reason alone is no override.
      assertProblem(await move(id, 'seat', manager, { reason: 'Please' }), 'venue-full');
      const falsely = { override: false, reason: 'Please' };
      assertProblem(await move(id, 'seat', manager, falsely), 'venue-full');
      assert.equal((await move(id, 'seat', manager, override)).body.state, 'seated');
      assert.deepEqual(await count(venueId, host), { occupancy: 5, capacity: 4, available: 0 });
      assert.deepEqual((await eventsOf(queueId, id)).at(-1), {
        type: 'party.seated',
        override: true,
        reason: override.reason,
      });
      const [last] = await changesOf(venueId, owner);
      assert.partialDeepStrictEqual(last, {
        delta: 2,
        occupancy: 5,
        partyId: id,
        actor: { kind: 'staff', userId: manager },
        ...override,
      });

      assertProblem(await click(venueId, host, { delta: 1, ...override }), 'forbidden');
      const clicked = await click(venueId, manager, { delta: 1, ...override });
      assert.deepEqual(clicked.body, { occupancy: 6, capacity: 4, available: 0 });
      const [lastClick] = await changesOf(venueId, owner);
      assert.partialDeepStrictEqual(lastClick, { delta: 1, partyId: null, ...override });
    });

    it('records the reason but no override where there was room', async () => {
      const { owner, manager, host, venueId, queueId } = await openDoor(4);
      const { id } = await add(queueId, host, 2);
      assert.equal((await move(id, 'seat', manager, override)).status, 200);
      const { reason } = override;
      assert.deepEqual((await eventsOf(queueId, id)).at(-1), {
        type: 'party.seated',
        override: undefined,
        reason,
      });
      await click(venueId, manager, { delta: -1, ...override });
      await patch(id, manager, { size: 3, ...override });
      // A reason without an override needs no manager.
      await move(id, 'depart', host, { reason: 'Sang too loud' });
      assert.deepEqual(
        (await changesOf(venueId, owner)).map(
          (change: { override: boolean; reason: string | null }) => [
            change.override,
            change.reason,
          ],
        ),
        [
          [false, 'Sang too loud'],
          [false, reason],
          [false, reason],
          [false, reason],
        ],
      );
    });
  });

  it('follows a change of party size while the party is seated, and only then', async () => {
    const { owner, manager, host, venueId, queueId } = await openDoor();
    const party = await seat(queueId, host, 4);
    const waiting = await add(queueId, host, 4);
    const occupancy = async () => (await count(venueId, host)).occupancy;
    assert.equal((await patch(party.id, host, { size: 6 })).body.size, 6);
    assert.equal(await occupancy(), 6);
    assert.equal((await patch(party.id, host, { size: 2, reason: 'Went on' })).status, 200);
    assert.equal(await occupancy(), 2);
    assert.deepEqual((await eventsOf(queueId, party.id)).at(-1), {
      type: 'party.changed',
      override: undefined,
      reason: 'Went on',
    });
    await click(venueId, host, { delta: 6 });
    const before = await service.eventsOf(queueId);
    const refused = await patch(party.id, host, { size: 5, name: 'Never written' });
    assertProblem(refused, 'venue-full');
    assert.match(refused.body.detail, /room for 2 more, not 3/);
    assert.deepEqual(await service.eventsOf(queueId), before);
    const { body: unchanged } = await service.call('GET', `/v1/parties/${party.id}`, {
      as: host,
    });
    assert.deepEqual([unchanged.name, unchanged.size], ['Ana Lima', 2]);

    const override = { override: true, reason: 'Squeezed in' };
    assertProblem(await patch(party.id, host, { size: 5, ...override }), 'forbidden');
    const unexplained = await patch(party.id, manager, { size: 5, override: true });
    assert.deepEqual(assertProblem(unexplained, 'validation-failed'), ['reason']);
    assert.equal((await patch(party.id, manager, { size: 5, ...override })).body.size, 5);
    assert.equal(await occupancy(), 11);
    assert.deepEqual((await eventsOf(queueId, party.id)).at(-1), {
      type: 'party.changed',
      ...override,
    });
    const [last] = await changesOf(venueId, owner);
    assert.partialDeepStrictEqual(last, { delta: 3, partyId: party.id, ...override });

    // Parties that are not seated need no room and no override.
    assert.equal((await patch(waiting.id, manager, { size: 9, ...override })).body.size, 9);
    assert.equal((await eventsOf(queueId, waiting.id)).at(-1)?.override, undefined);
    await move(party.id, 'depart', host);
    assert.equal(await occupancy(), 6);
    assert.equal((await patch(party.id, host, { size: 9 })).body.size, 9);
    // Other changes of a party do not count either.
    await patch(waiting.id, host, { name: 'Bea', reason: 'Misheard' });
    assert.equal(await occupancy(), 6);
    await service.assertSound(queueId);
  });
});
