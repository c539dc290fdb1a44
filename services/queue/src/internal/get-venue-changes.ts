import { getVenueChanges as contract } from '@queue-manager/contracts/internal';
import type { VenueEvent, VenueQueue } from '@queue-manager/contracts/live';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { eventsAfter } from '../line/history-page.ts';
import { occupancyView } from '../line/occupancy.ts';
import { queueView } from '../queues/queue-view.ts';

/** Reads the queues before their events, so that all events up to a queue's `seq` can be read. */
export const getVenueChanges = (deps: Deps) =>
  route(contract, async function getVenueChanges({ params, body }) {
    const { db } = deps;
    const venueId = uuidToBytes(params.venueId);
    const venue = await db
      .selectFrom('venues')
      .select(['occupancy', 'capacity'])
      .where('id', '=', venueId)
      .where('deleted_at', 'is', null)
      .executeTakeFirst();
    if (venue === undefined) throw problems.notFound();

    const queues: VenueQueue[] = [];
    const events: VenueEvent[] = [];
    const afterOf = new Map(body.after.map(({ queueId, seq }) => [queueId.toLowerCase(), seq]));
    for (const row of await queuesOf(deps, venueId, [...afterOf.keys()])) {
      const queueId = bytesToUuid(row.id);
      const after = afterOf.get(queueId) ?? row.seq;
      const limit = body.limit - events.length;
      if (after < row.seq && limit > 0) {
        const range = { after, before: row.seq + 1, limit };
        for (const event of await eventsAfter(db, { queueId: row.id, ...range })) {
          events.push({ ...event, queueId });
        }
      }
      const last = events.at(-1);
      const isComplete = after >= row.seq || (last?.queueId === queueId && last.seq === row.seq);
      if (isComplete && afterOf.get(queueId) !== row.seq) {
        const deleted = row.deleted_at !== null;
        queues.push({ ...queueView(deps, row), seq: row.seq, deleted });
      }
    }
    return { occupancy: occupancyView(venue), queues, events };
  });

async function queuesOf({ db }: Deps, venueId: Buffer, queueIds: readonly string[]) {
  if (queueIds.length === 0) return [];
  return db
    .selectFrom('queues')
    .selectAll()
    .where('venue_id', '=', venueId)
    .where('id', 'in', queueIds.map(uuidToBytes))
    .execute();
}
