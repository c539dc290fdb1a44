import { dayMs } from '@queue-manager/service-kit/durations';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { eraseUntil } from '../../retention/erase-personal-data.ts';
import type { WorkKind } from '../kind.ts';

/**
 * Erases a venue's personal data that is older than its `retentionDays`, as they are when this runs. Doing it
 * twice, or twice at once, erases the same. A venue that was deleted meanwhile is erased whole elsewhere.
 */
export const retentionErase = {
  kind: 'retention.erase',
  destination: 'tasks',
  async handle({ db, clock }, { task }) {
    const venueId = uuidToBytes(task.venueId);
    const venue = await db
      .selectFrom('venues')
      .select('retention_days')
      .where('id', '=', venueId)
      .where('deleted_at', 'is', null)
      .executeTakeFirst();
    if (venue === undefined) return;
    const cutoff = new Date(clock.now().getTime() - venue.retention_days * dayMs);
    await eraseUntil({ db, venueId }, cutoff);
  },
} as const satisfies WorkKind;
