import type { EventOf } from '@queue-manager/contracts/events';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import type { Deps } from '../deps.ts';
import { eraseAll } from './erase-personal-data.ts';

/**
 * Erases the personal data of a deleted venue's guests. It can be much, and nobody can read it any more: so it
 * is no part of the deletion itself. Doing this again erases what is left.
 */
export const onVenueDeleted =
  ({ db }: Pick<Deps, 'db'>) =>
  async ({ data }: EventOf<'venue.deleted'>): Promise<void> =>
    eraseAll({ db, venueId: uuidToBytes(data.venueId) });
