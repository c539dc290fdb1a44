import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  changeOccupancy,
  getOccupancy,
  listOccupancyChanges,
} from '@queue-manager/contracts/occupancy';
import {
  addParty,
  departParty,
  restoreParty,
  seatParty,
  updateParty,
} from '@queue-manager/contracts/parties';
import { getVenue, updateVenue } from '@queue-manager/contracts/venues';
import { openQueueOf, openVenue } from './support/lines.ts';
import { refuse, refuseField, succeed } from './support/system.ts';

describe('the occupancy of a venue', () => {
  it('fills up to the capacity, exceeds it only by override, and empties again', async () => {
    const venue = await openVenue();
    const { token } = venue.owner;
    const params = { venueId: venue.venue.id };
    const queue = await openQueueOf(venue);
    await succeed(updateVenue, { token, params, body: { capacity: 6 } });
    const add = async (size: number) => {
      const { id } = await succeed(addParty, {
        token,
        params: { queueId: queue.id },
        body: { name: 'Ana', size },
      });
      return { token, params: { partyId: id } };
    };
    const occupancy = async () => (await succeed(getOccupancy, { token, params })).occupancy;
    const click = (body: { delta: number; override?: true; reason?: string }) =>
      succeed(changeOccupancy, { token, params, body });

    assert.deepEqual(await click({ delta: 1, reason: 'The band' }), {
      occupancy: 1,
      capacity: 6,
      available: 5,
    });
    const [four, two] = [await add(4), await add(2)];
    await succeed(seatParty, four);
    await refuse('venue-full', seatParty, two);
    await refuse('venue-full', updateParty, { ...four, body: { size: 6 } });
    await refuse('venue-full', changeOccupancy, { token, params, body: { delta: 2 } });
    await refuseField('reason', seatParty, { ...two, body: { override: true } });
    const reason = 'Friends of the owner';
    const seated = await succeed(seatParty, { ...two, body: { override: true, reason } });
    assert.equal(seated.state, 'seated');
    assert.equal((await succeed(getVenue, { token, params })).occupancy, 7);
    assert.deepEqual(await succeed(getOccupancy, { token, params }), {
      occupancy: 7,
      capacity: 6,
      available: 0,
    });

    await succeed(departParty, four);
    assert.equal(await occupancy(), 3);
    await succeed(updateParty, { ...two, body: { size: 5 } });
    assert.equal(await occupancy(), 6);
    await succeed(restoreParty, two);
    assert.equal(await occupancy(), 1);
    assert.equal((await click({ delta: -3 })).occupancy, 0);

    const { data } = await succeed(listOccupancyChanges, { token, params });
    assert.deepEqual(
      data.map(({ delta, occupancy, override }) => [delta, occupancy, override]),
      [
        [-1, 0, false],
        [-5, 1, false],
        [3, 6, false],
        [-4, 3, false],
        [2, 7, true],
        [4, 5, false],
        [1, 1, false],
      ],
    );
    const overridden = data.find(({ override }) => override);
    assert.equal(overridden?.reason, reason);
    assert.equal(overridden?.partyId, two.params.partyId);
    assert.ok(data.every(({ actor }) => actor.userId === venue.owner.id));
  });
});
