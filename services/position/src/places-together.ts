import { runInContext } from '@queue-manager/service-kit/request-context';
import type { Lines } from './lines.ts';
import type { Places } from './projection.ts';

/** Enough that more at once would cost no less each; few enough that Redis is not held up. */
const batchMax = 200;

/** What is asked of one line in one turn of the event loop. */
type Batch = { partyIds: string[]; answer: Promise<Places | null> };

/**
 * Reads single parties of one line that are asked for in the same turn of the event loop with one command: most
 * of a read is the command, and it is the lines that many look at which have to be fast.
 */
export function placesTogether(places: Lines['places']): Lines['places'] {
  const batches = new Map<string, Batch>();

  function begin(queueId: string): Batch {
    const partyIds: string[] = [];
    const read = async () => {
      await new Promise(setImmediate);
      if (batches.get(queueId) === batch) batches.delete(queueId);
      return places(queueId, partyIds);
    };
    // Read for no request in particular, whoever asked first.
    const batch: Batch = { partyIds, answer: runInContext({}, read) };
    batches.set(queueId, batch);
    return batch;
  }

  return async (queueId, partyIds) => {
    const [partyId] = partyIds;
    if (partyId === undefined || partyIds.length > 1) return places(queueId, partyIds);
    let batch = batches.get(queueId);
    if (batch === undefined || batch.partyIds.length === batchMax) batch = begin(queueId);
    const index = batch.partyIds.push(partyId) - 1;
    const line = await batch.answer;
    return line === null ? null : { ...line, places: [line.places[index] ?? null] };
  };
}
