import type { Place } from '@queue-manager/contracts/internal';
import type { Estimate } from '@queue-manager/contracts/values';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import type { Logger } from '@queue-manager/service-kit/logging';
import { runInContext } from '@queue-manager/service-kit/trace-context';
import type { Database } from '../db/database.ts';
import type { PartyRecord } from './snapshots.ts';

type Joined = Pick<PartyRecord, 'queueId' | 'partyId'>;

/** The positions and estimates that guests get on joining. */
export type Quotes = {
  /**
   * Stores the place that the position service returns, if any. Resolves with it when it is stored, or when storing it
   * has failed.
   */
  store(joined: Joined, place: Promise<Place | null>): Promise<Place | null>;
  /** The stored place; null when there is none. */
  read(joined: Joined): Promise<Place | null>;
};

/** Writes the quotes of concurrent joins in batches, one statement at a time. */
export function createQuotes(db: Database, logger: Logger): Quotes {
  let queued: { joined: Joined; place: Place }[] = [];
  let nextWrite: Promise<void> | null = null;
  let lastWrite: Promise<void> = Promise.resolve();

  async function write(): Promise<void> {
    await lastWrite;
    const batch = queued;
    queued = [];
    nextWrite = null;
    lastWrite = db
      .insertInto('quotes')
      .values(
        batch.map(({ joined, place }) => ({
          queue_id: uuidToBytes(joined.queueId),
          party_id: uuidToBytes(joined.partyId),
          position: place.position,
          estimate: JSON.stringify(place.estimate),
        })),
      )
      .execute()
      .then(
        () => undefined,
        (error: unknown) => logger.warn({ err: error }, 'quotes could not be stored'),
      );
    await lastWrite;
  }

  return {
    async store(joined, promised) {
      const place = await promised;
      if (place === null) return null;
      queued.push({ joined, place });
      nextWrite ??= runInContext({}, write);
      await nextWrite;
      return place;
    },
    async read({ queueId, partyId }) {
      const quote = await db
        .selectFrom('quotes')
        .select(['position', 'estimate'])
        .where('queue_id', '=', uuidToBytes(queueId))
        .where('party_id', '=', uuidToBytes(partyId))
        .executeTakeFirst();
      if (quote === undefined) return null;
      return { position: quote.position, estimate: JSON.parse(quote.estimate) as Estimate };
    },
  };
}
