import { getNeighbours, type Neighbour } from '@queue-manager/contracts/internal';
import { isInLine } from '@queue-manager/contracts/party-moves';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import { problems } from '@queue-manager/service-kit/problems';
import type { PartyRow } from '../db/tables.ts';

type FoundNeighbours = {
  position: number;
  before: Neighbour | null;
  behind: Neighbour | null;
};

/** Longer than the position service waits for an event or for a rebuild of the line. */
const timeoutMs = 8_000;

/**
 * Asks the position service for the future neighbours of a party, which it finds without walking the line. Call it
 * before the lock of the line, so that nobody waits for the answer. Call the returned function under the lock: it returns
 * the neighbours, or throws the error of the read. So a repeat of a request gets its first answer even while the position
 * service is unavailable.
 *
 * With `called`, a called party counts as waiting at the place it was called from.
 */
export async function findNeighbours(
  deps: { position: InternalClient },
  party: PartyRow,
  seq: number,
  to: { position: number } | { places: number },
  { called = false } = {},
): Promise<() => FoundNeighbours> {
  if (!(called ? isInLine(party.state) : party.state === 'waiting')) return () => notWaiting(party);
  const partyId = bytesToUuid(party.id);
  try {
    const { position, before, behind } = await deps.position.call(getNeighbours, {
      params: { queueId: bytesToUuid(party.queue_id) },
      body: { partyId, seq, to, ...(called ? { called } : {}) },
      timeoutMs,
    });
    if (position === null) return calledOrLeft;
    return () => ({ position, before, behind });
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

/** The party was not waiting when it was read. Refused even if it waits again: the caller could not know that. */
function notWaiting({ state }: PartyRow): never {
  throw problems.invalidTransition({ detail: `The party was ${state}, not waiting.` });
}

/** The party was called or left after it was read. Refused even if it waits again. */
function calledOrLeft(): never {
  throw problems.invalidTransition({ detail: 'The party was called or left a moment ago.' });
}
