import type { Place } from '@queue-manager/contracts/internal';
import type { Logger } from '@queue-manager/service-kit/logging';
import type { Database } from './database.ts';
import type { PartyRow } from './membership.ts';

export type Quotes = {
  /** Keeps what a guest was told; resolves when it is durable, or could not be kept. */
  record(party: PartyRow, place: Place): Promise<void>;
};

/** Writes quotes of concurrent joins together, one statement at a time. */
export function createQuotes(db: Database, logger: Logger): Quotes {
  let queued: { party: PartyRow; place: Place }[] = [];
  let nextWrite: Promise<void> | null = null;
  let lastWrite: Promise<void> = Promise.resolve();

  async function write(): Promise<void> {
    await lastWrite;
    const batch = queued;
    queued = [];
    nextWrite = null;
    lastWrite = db
      .insertInto('quotes')
      .ignore()
      .values(
        batch.map(({ party, place }) => ({
          queue_id: party.queue_id,
          party_id: party.id,
          position: place.position,
          estimate: JSON.stringify(place.estimate),
        })),
      )
      .execute()
      .then(
        () => undefined,
        (error: unknown) => logger.warn({ err: error }, 'quotes could not be kept'),
      );
    await lastWrite;
  }

  return {
    record(party, place) {
      queued.push({ party, place });
      nextWrite ??= write();
      return nextWrite;
    },
  };
}
