import { getVenueRole as contract } from '@queue-manager/contracts/internal';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';

/** A deleted venue has no members. */
export const getVenueRole = ({ db }: Deps) =>
  route(contract, async function getVenueRole({ params }) {
    const member = await db
      .selectFrom('members')
      .select('role')
      .where('venue_id', '=', uuidToBytes(params.venueId))
      .where('user_id', '=', uuidToBytes(params.userId))
      .executeTakeFirst();
    return { role: member?.role ?? null };
  });
