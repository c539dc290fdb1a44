import { runInContext } from '@queue-manager/service-kit/trace-context';
import type { Lines } from './lines.ts';
import type { Places } from './projection.ts';

/** Enough that more at once would cost no less each; few enough that Redis is not held up. */
const batchMax = 200;

/** What is asked of one line in one turn of the event loop. */
type Batch = { partyIds: string[]; answer: Promise<Places | null> };

/**
 * Reads single parties of one line that are asked for in the same turn of the event loop together: most of a read
 * is the command, and it is the lines that many look at which have to be fast. The first read of a line in a turn
 * goes at once, since more often than not it is the only one; those behind it share one command.
 */
export function placesTogether(places: Lines['places']): Lines['places'] {
  /** Lines that were asked for in this turn. */
  const asked = new Set<string>();
  const batches = new Map<string, Batch>();

  function isFirst(queueId: string): boolean {
    if (asked.has(queueId)) return false;
    if (asked.size === 0) setImmediate(() => asked.clear());
    asked.add(queueId);
    return true;
  }

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

  async function readTogether(queueId: string, partyId: string): Promise<Places | null> {
    let batch = batches.get(queueId);
    if (batch === undefined || batch.partyIds.length === batchMax) batch = begin(queueId);
    const index = batch.partyIds.push(partyId) - 1;
    const line = await batch.answer;
    return line === null ? null : { ...line, places: [line.places[index] ?? null] };
  }

  return (queueId, partyIds) => {
    const [partyId] = partyIds;
    const isAlone = partyId === undefined || partyIds.length > 1 || isFirst(queueId);
    return isAlone ? places(queueId, partyIds) : readTogether(queueId, partyId);
  };
}
