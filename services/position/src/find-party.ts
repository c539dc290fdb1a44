import type { PartySnapshot } from '@queue-manager/contracts/events';
import { getPartySnapshot } from '@queue-manager/contracts/internal';
import type { Clock } from '@queue-manager/service-kit/clock';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import { Problem } from '@queue-manager/service-kit/problems';
import { createExpiringCache } from './expiring-cache.ts';
import { isInLine } from './projection.ts';

/** Long enough that a phone left open costs little, short enough that a party put back is not denied. */
const rememberSeconds = 10;
const rememberMax = 10_000;

/** Asks the queue service for a party that Redis does not know; null when there is none. */
export type FindParty = (queueId: string, partyId: string) => Promise<PartySnapshot | null>;

/** Remembers for a short while those that left the line; of those in it, only the truth of the moment counts. */
export function createFindParty(given: { queueService: InternalClient; clock: Clock }): FindParty {
  const cache = createExpiringCache<PartySnapshot>({
    clock: given.clock,
    seconds: rememberSeconds,
    sizeMax: rememberMax,
  });
  return async (queueId, partyId) => {
    const known = cache.get(partyId);
    if (known !== undefined) return known;
    try {
      const party = await given.queueService.call(getPartySnapshot, {
        params: { queueId, partyId },
      });
      if (!isInLine(party.state)) cache.set(partyId, party);
      return party;
    } catch (error) {
      if (error instanceof Problem && error.code === 'not-found') return null;
      throw error;
    }
  };
}
