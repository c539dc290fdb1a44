import { createKeyedGate, type KeyedGate } from '@queue-manager/service-kit/limits/gate';

/** Calls of one venue that are under way in Redis; fewer while other venues have some. */
export const callsOfVenue = { atOnce: 32, atOnceAmongOthers: 4, waitingMax: 1_000 };

/** Makes the calls of a venue take turns, so that one with many delays no other. */
export function createVenueGate(): KeyedGate {
  return createKeyedGate(callsOfVenue);
}
