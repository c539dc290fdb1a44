import type { Actor } from '@queue-manager/contracts/events';
import type { Clock } from '@queue-manager/service-kit/clock';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import type { DatabaseTransaction } from './database.ts';
import { lockVenue } from './lock-venue.ts';
import type { PartyRow, VenueRow } from './membership.ts';

type Change = {
  /** How many people more, or fewer. */
  delta: number;
  actor: Actor;
  /** The party that came or went; none for a click at the door. */
  party?: Pick<PartyRow, 'queue_id' | 'id'>;
  /** Lets people in beyond the capacity. */
  override?: boolean;
  reason?: string | undefined;
};

/** How many people are in a venue, under the lock of its row and within one transaction. */
export class Occupancy {
  readonly #clock: Clock;
  readonly #trx: DatabaseTransaction;
  readonly #venue: VenueRow;

  private constructor(clock: Clock, trx: DatabaseTransaction, venue: VenueRow) {
    this.#clock = clock;
    this.#trx = trx;
    this.#venue = venue;
  }

  /** Locks the venue; before any of its lines, so that two changes can never deadlock. */
  static async lock(clock: Clock, trx: DatabaseTransaction, venueId: Buffer): Promise<Occupancy> {
    return new Occupancy(clock, trx, await lockVenue(trx, venueId));
  }

  get capacity(): number | null {
    return this.#venue.capacity;
  }

  get occupancy(): number {
    return this.#venue.occupancy;
  }

  /**
   * Counts people in or out and records who did. Never below 0: who went uncounted came in uncounted. Throws
   * `venue-full` when more would be in than the capacity; letting nobody in is never too much, also when an
   * override has left more in than that.
   */
  async change({ delta, actor, party, override = false, reason }: Change): Promise<void> {
    const { capacity, occupancy: before, id: venueId } = this.#venue;
    const occupancy = Math.max(0, before + delta);
    if (delta > 0 && capacity !== null && occupancy > capacity && !override) {
      const available = Math.max(0, capacity - before);
      throw problems.venueFull({
        detail: `There is room for ${available} more, not for ${delta}: ${before} of ${capacity} are in.`,
      });
    }
    this.#venue.occupancy = occupancy;
    await this.#trx.updateTable('venues').set({ occupancy }).where('id', '=', venueId).execute();
    await this.#trx
      .insertInto('occupancy_changes')
      .values({
        venue_id: venueId,
        id: uuidToBytes(newId(this.#clock)),
        time: this.#clock.now(),
        delta: occupancy - before,
        occupancy,
        queue_id: party?.queue_id ?? null,
        party_id: party?.id ?? null,
        actor: JSON.stringify(actor),
        override: override ? 1 : 0,
        reason: reason ?? null,
      })
      .execute();
  }
}
