import { runInContext } from '@queue-manager/service-kit/request-context';
import type { Places } from '../projection/projection.ts';

type ReadPlaces = (queueId: string, partyIds: readonly string[]) => Promise<Places | null>;

/** Beyond this a larger batch is no cheaper per party; small enough not to block Redis. */
const batchMax = 200;

/** The parties of one queue requested in one tick. */
type Batch = { partyIds: string[]; answer: Promise<Places | null> };

/**
 * Batches reads of single parties of the same queue within one tick, because most of a read's cost is the command.
 * The first read of a queue per tick is sent at once, since it is usually the only one; later ones share a command.
 *
 * Not `batched`: that delays the first read, too, and runs one batch at a time.
 */
export function batchPlaces(readPlaces: ReadPlaces): ReadPlaces {
  const readThisTick = new Set<string>();
  const batches = new Map<string, Batch>();

  function isFirst(queueId: string): boolean {
    if (readThisTick.has(queueId)) return false;
    if (readThisTick.size === 0) setImmediate(() => readThisTick.clear());
    readThisTick.add(queueId);
    return true;
  }

  function begin(queueId: string): Batch {
    const partyIds: string[] = [];
    const read = async () => {
      await new Promise(setImmediate);
      if (batches.get(queueId) === batch) batches.delete(queueId);
      return readPlaces(queueId, partyIds);
    };
    // Outside the context of the request that happened to come first: the batch serves several.
    const batch: Batch = { partyIds, answer: runInContext({}, read) };
    batches.set(queueId, batch);
    return batch;
  }

  async function readInBatch(queueId: string, partyId: string): Promise<Places | null> {
    let batch = batches.get(queueId);
    if (batch === undefined || batch.partyIds.length === batchMax) batch = begin(queueId);
    const index = batch.partyIds.push(partyId) - 1;
    const line = await batch.answer;
    return line === null ? null : { ...line, places: [line.places[index] ?? null] };
  }

  return (queueId, partyIds) => {
    const [partyId] = partyIds;
    const isUnbatched = partyId === undefined || partyIds.length > 1 || isFirst(queueId);
    return isUnbatched ? readPlaces(queueId, partyIds) : readInBatch(queueId, partyId);
  };
}
