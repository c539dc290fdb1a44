import { getMembershipsOf as contract } from '@queue-manager/contracts/internal';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';

export const getMembershipsOf = ({ db }: Deps) =>
  route(contract, async function getMembershipsOf({ params }) {
    const rows = await db
      .selectFrom('members as m')
      .innerJoin('venues as v', 'v.id', 'm.venue_id')
      .select(['m.venue_id', 'v.name', 'm.role', 'm.since'])
      .select((select) =>
        select
          .selectFrom('members as o')
          .select((owner) => owner.fn.countAll<number>().as('owners'))
          .whereRef('o.venue_id', '=', 'm.venue_id')
          .where('o.role', '=', 'owner')
          .as('owners'),
      )
      .where('m.user_id', '=', uuidToBytes(params.userId))
      .where('v.deleted_at', 'is', null)
      .execute();
    return {
      memberships: rows.map((row) => ({
        venueId: bytesToUuid(row.venue_id),
        venueName: row.name,
        role: row.role,
        since: row.since.toISOString(),
        soleOwner: row.role === 'owner' && Number(row.owners) === 1,
      })),
    };
  });
