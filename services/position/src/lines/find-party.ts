import type { PartySnapshot } from '@queue-manager/contracts/events';
import { getPartySnapshot } from '@queue-manager/contracts/internal';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import { isProblem } from '@queue-manager/service-kit/problems';

/** Reads a party from the queue service; null if there is none. */
export type FindParty = (queueId: string, partyId: string) => Promise<PartySnapshot | null>;

export function createFindParty({ queueService }: { queueService: InternalClient }): FindParty {
  return async (queueId, partyId) => {
    try {
      return await queueService.call(getPartySnapshot, { params: { queueId, partyId } });
    } catch (error) {
      if (isProblem(error, 'not-found')) return null;
      throw error;
    }
  };
}
