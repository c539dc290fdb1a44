import { setTimeout as delay } from 'node:timers/promises';
import type { EventOf } from '@queue-manager/contracts/events';
import { backoffMs } from '@queue-manager/service-kit/backoff';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { sql } from 'kysely';
import type { Database } from '../db/database.ts';
import type { Deps } from '../deps.ts';
import { eraseAll } from './erase-personal-data.ts';

/**
 * Erases the personal data of a deleted venue, once the guests in its lines have been told. It may be years of data that
 * nobody can read any more, so it is not part of the deletion's transaction. Idempotent.
 */
export const onVenueDeleted =
  ({ db }: Pick<Deps, 'db'>) =>
  async ({ data }: EventOf<'venue.deleted'>): Promise<void> => {
    const venueId = uuidToBytes(data.venueId);
    for (let attempt = 1; await areGuestsToTell(db, venueId); attempt += 1) {
      await delay(backoffMs(attempt, { firstMs: 100, maxMs: 5_000 }));
    }
    await eraseAll({ db, venueId });
  };

/** Whether parties are still to be removed, or mails to them still to be composed, which reads their addresses. */
async function areGuestsToTell(db: Database, venueId: Buffer): Promise<boolean> {
  const { rows } = await sql`
    SELECT 1 FROM tasks
    WHERE venue_id = ${venueId} AND (
      kind = 'queue.delete' AND state IN ('scheduled', 'running')
      OR kind = 'notify.removed' AND state = 'scheduled')
    LIMIT 1`.execute(db);
  return rows.length > 0;
}
