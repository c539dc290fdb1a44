import { getNeighbours, type Neighbour } from '@queue-manager/contracts/internal';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import { problems } from '@queue-manager/service-kit/problems';
import type { PartyRow } from '../db/tables.ts';

type FoundNeighbours = {
  position: number;
  before: Neighbour | null;
  behind: Neighbour | null;
};

/** Longer than the position service may wait for an event, or a rebuild of the line may take it. */
const timeoutMs = 8_000;

/**
 * Asks the position service between whom a party is to be put: the order is never walked here. Asked before
 * the line is locked, so that nobody waits for the answer. Returns a function; call it under the lock. It returns the
 * neighbours or throws the error of the earlier read. So a repeat of a request gets its first answer even while the
 * position service is unavailable.
 */
export async function findNeighbours(
  deps: { position: InternalClient },
  party: PartyRow,
  seq: number,
  to: { position: number } | { places: number },
): Promise<() => FoundNeighbours> {
  if (party.state !== 'waiting') return () => notWaiting(party);
  const partyId = bytesToUuid(party.id);
  try {
    const { position, before, behind } = await deps.position.call(getNeighbours, {
      params: { queueId: bytesToUuid(party.queue_id) },
      body: { partyId, seq, to },
      timeoutMs,
    });
    if (position === null) return movedOn;
    return () => ({ position, before, behind });
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

/** The party was not waiting when it was read. Even if it waits again now, the caller could not have known that. */
function notWaiting({ state }: PartyRow): never {
  throw problems.invalidTransition({ detail: `The party was ${state}, not waiting.` });
}

/** It was called, or left, after it was looked at; and it waits again: refused as it would have been then. */
function movedOn(): never {
  throw problems.invalidTransition({ detail: 'The party was called or left a moment ago.' });
}
