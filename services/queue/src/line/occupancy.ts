import { type Actor, type EventOf, makeEvent } from '@queue-manager/contracts/events';
import type { Occupancy as OccupancyView } from '@queue-manager/contracts/occupancy';
import type { Clock } from '@queue-manager/service-kit/clock';
import { bytesToUuid, newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import { lockVenue } from '../access/lock-venue.ts';
import type { DatabaseTransaction } from '../db/database.ts';
import type { PartyRow, VenueRow } from '../db/tables.ts';
import { insertEvents } from './line-event.ts';

type Change = {
  /** The number of people who came, or left if negative. */
  delta: number;
  actor: Actor;
  /** The party that came or left; none for a click at the door. */
  party?: Pick<PartyRow, 'queue_id' | 'id'>;
  /** Whether to exceed the capacity if necessary. */
  override?: boolean | undefined;
  reason?: string | undefined;
};

/** The occupancy of a venue, under the lock of its row and within one transaction. */
export class Occupancy {
  readonly #clock: Clock;
  readonly #trx: DatabaseTransaction;
  readonly #venue: VenueRow;

  private constructor(clock: Clock, trx: DatabaseTransaction, venue: VenueRow) {
    this.#clock = clock;
    this.#trx = trx;
    this.#venue = venue;
  }

  /** Locks the venue. Call it before any of its lines is locked, so that two changes never deadlock. */
  static async lock(clock: Clock, trx: DatabaseTransaction, venueId: Buffer): Promise<Occupancy> {
    return new Occupancy(clock, trx, await lockVenue(trx, venueId));
  }

  view(): OccupancyView {
    return occupancyView(this.#venue);
  }

  /**
   * Counts people in or out and records who did. Occupancy never goes below 0: if more people leave than were
   * counted in, some entered uncounted. Throws `venue-full` when people coming in would exceed the capacity; people
   * may always leave, even when an override or a smaller capacity has left more in than that. Returns how many were
   * counted, and whether the override was needed; only then is it recorded.
   */
  async change({
    delta,
    actor,
    party,
    override = false,
    reason,
  }: Change): Promise<{ counted: number; isOverridden: boolean }> {
    const { capacity, occupancy: before, id: venueId } = this.#venue;
    const occupancy = Math.max(0, before + delta);
    const isTooMany = delta > 0 && capacity !== null && occupancy > capacity;
    if (isTooMany && !override) {
      const available = Math.max(0, capacity - before);
      throw problems.venueFull({
        detail: `There is room for ${available} more, not ${delta}: ${before} of ${capacity} are inside.`,
      });
    }
    const seq = this.#venue.occupancy_seq + 1;
    const changes = { occupancy, occupancy_seq: seq };
    Object.assign(this.#venue, changes);
    await this.#trx.updateTable('venues').set(changes).where('id', '=', venueId).execute();
    await this.#trx
      .insertInto('occupancy_changes')
      .values({
        venue_id: venueId,
        id: uuidToBytes(newId(this.#clock)),
        seq,
        time: this.#clock.now(),
        delta: occupancy - before,
        occupancy,
        queue_id: party?.queue_id ?? null,
        party_id: party?.id ?? null,
        actor: JSON.stringify(actor),
        override: isTooMany ? 1 : 0,
        reason: reason ?? null,
      })
      .execute();
    return { counted: occupancy - before, isOverridden: isTooMany };
  }

  /** Records the event of a change that no event of a queue records. Returns it, for the feed after the commit. */
  changed(actor: Actor): Promise<EventOf<'occupancy.changed'>> {
    return insertOccupancyEvent(this.#clock, this.#trx, this.#venue, actor);
  }
}

/** Records that the occupancy or the capacity of a locked venue has changed. */
export async function insertOccupancyEvent(
  clock: Clock,
  trx: DatabaseTransaction,
  { id, occupancy, capacity }: Pick<VenueRow, 'id' | 'occupancy' | 'capacity'>,
  actor: Actor,
): Promise<EventOf<'occupancy.changed'>> {
  const { last } = await trx
    .selectFrom('events')
    .select(({ fn }) => fn.max('seq').as('last'))
    .where('queue_id', '=', id)
    .executeTakeFirstOrThrow();
  const venueId = bytesToUuid(id);
  const event = makeEvent({
    id: newId(clock),
    source: '/queue',
    type: 'occupancy.changed',
    subject: venueId,
    time: clock.now().toISOString(),
    // Number 1 is that of the venue's deletion.
    data: { venueId, seq: (last ?? 1) + 1, occupancy, capacity, actor },
  });
  await insertEvents(trx, [event]);
  return event;
}

/** The occupancy as staff see it. It may exceed the capacity; then nobody else may come in. */
export function occupancyView({
  capacity,
  occupancy,
}: Pick<VenueRow, 'capacity' | 'occupancy'>): OccupancyView {
  return {
    occupancy,
    capacity,
    available: capacity === null ? null : Math.max(0, capacity - occupancy),
  };
}
