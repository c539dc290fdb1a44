import { deleteApiKey as contract } from '@queue-manager/contracts/api-keys';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import { venueFor } from '../access/membership.ts';
import type { Deps } from '../deps.ts';

export const deleteApiKey = ({ db }: Deps) =>
  route(contract, async function deleteApiKey({ params, claims }) {
    const venue = await venueFor(db, params.venueId, claims.sub, 'manager');
    const { numDeletedRows } = await db
      .deleteFrom('api_keys')
      .where('venue_id', '=', venue.id)
      .where('id', '=', uuidToBytes(params.keyId))
      .executeTakeFirst();
    if (numDeletedRows === 0n) throw problems.notFound();
  });
