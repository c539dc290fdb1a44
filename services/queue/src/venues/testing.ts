import assert from 'node:assert/strict';
import type { Party } from '@queue-manager/contracts/parties';
import type { QueueService } from '../testing.ts';

/** Calls about the occupancy of a venue, for tests; `service` is read at each call. */
export function occupancyCalls(service: () => QueueService) {
  const doorOf = (venueId: string) => `/v1/venues/${venueId}/occupancy`;
  const count = async (venueId: string, as: string) =>
    (await service().call('GET', doorOf(venueId), { as })).body;
  const click = (venueId: string, as: string, body: object, key?: string) =>
    service().call('POST', doorOf(venueId), { as, body, ...(key === undefined ? {} : { key }) });
  const move = (partyId: string, what: string, as: string, body: object = {}) =>
    service().call('POST', `/v1/parties/${partyId}/${what}`, { as, body });
  const patch = (partyId: string, as: string, body: object) =>
    service().call('PATCH', `/v1/parties/${partyId}`, { as, body });
  const changesOf = async (venueId: string, as: string) =>
    (await service().call('GET', `${doorOf(venueId)}/changes`, { as })).body.data;
  const add = async (queueId: string, as: string, size: number): Promise<Party> =>
    (await service().add(queueId, as, { size })).body;
  const seat = async (queueId: string, as: string, size: number): Promise<Party> => {
    const { status, body } = await move((await add(queueId, as, size)).id, 'seat', as);
    assert.equal(status, 200);
    return body;
  };
  /** An open queue of a venue with a capacity, and a manager and a host beside the owner. */
  const openDoor = async (capacity: number | null = 10) => {
    const line = await service().openLine({}, { capacity });
    return {
      ...line,
      manager: await service().member(line.venueId, 'manager'),
      host: await service().member(line.venueId, 'host'),
    };
  };
  return { doorOf, count, click, move, patch, changesOf, add, seat, openDoor };
}
