import type { EventOf } from '@queue-manager/contracts/events';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import type { Deps } from '../deps.ts';
import { eraseAll } from './erase-personal-data.ts';

/**
 * Erases the personal data of a deleted venue. It may be years of data that nobody can read any more, so it is
 * not part of the deletion's transaction. Idempotent.
 */
export const onVenueDeleted =
  ({ db }: Pick<Deps, 'db'>) =>
  async ({ data }: EventOf<'venue.deleted'>): Promise<void> =>
    eraseAll({ db, venueId: uuidToBytes(data.venueId) });
