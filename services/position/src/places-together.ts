import { runInContext } from '@queue-manager/service-kit/request-context';
import type { Lines } from './lines.ts';
import type { Places } from './projection.ts';

/** Enough that more at once would cost no less each; few enough that Redis is not held up. */
const batchMax = 200;

/** What is asked of one line in one turn of the event loop. */
type Batch = { partyIds: string[]; answer: Promise<Places | null> };

/**
 * Reads single parties of one line that are asked for in the same turn of the event loop with one command: most
 * of a read is the command, and it is the lines that many look at which have to be fast. A line that nobody is
 * reading is read at once: to wait for others of the same turn would cost a tenth of the read.
 */
export function placesTogether(places: Lines['places']): Lines['places'] {
  const beingRead = new Set<string>();
  const batches = new Map<string, Batch>();

  async function readAlone(queueId: string, partyIds: readonly string[]): Promise<Places | null> {
    beingRead.add(queueId);
    try {
      return await places(queueId, partyIds);
    } finally {
      beingRead.delete(queueId);
    }
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
    if (partyId === undefined || partyIds.length > 1) return places(queueId, partyIds);
    if (beingRead.has(queueId)) return readTogether(queueId, partyId);
    return readAlone(queueId, partyIds);
  };
}
