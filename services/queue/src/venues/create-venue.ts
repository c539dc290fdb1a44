import { createVenue as contract } from '@queue-manager/contracts/venues';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { route } from '@queue-manager/service-kit/route';
import { lockAccount } from '../access/accounts.ts';
import { idempotent } from '../access/idempotent.ts';
import { once } from '../db/idempotency.ts';
import type { Deps } from '../deps.ts';
import { retentionEveryMs } from '../retention/plan-retention.ts';
import { venueView } from './venue-view.ts';

export const createVenue = (deps: Deps) =>
  route(contract, async function createVenue(request) {
    const { body, claims } = request;
    const caller = uuidToBytes(claims.sub);
    const { result } = await once(deps, idempotent(contract, request, caller), async (trx) => {
      await lockAccount(trx, caller);
      const now = deps.clock.now();
      const venue = {
        id: uuidToBytes(newId(deps.clock)),
        name: body.name,
        timezone: body.timezone,
        locale: body.locale,
        capacity: body.capacity,
        occupancy: 0,
        occupancy_seq: 0,
        day_starts_at: body.dayStartsAt,
        retention_days: body.retentionDays,
        accent_color: body.accentColor,
        feed: 0,
        retention_due_at: new Date(now.getTime() + retentionEveryMs),
        created_at: now,
        created_by: caller,
        deleted_at: null,
      };
      await trx.insertInto('venues').values(venue).execute();
      await trx
        .insertInto('members')
        .values({ venue_id: venue.id, user_id: caller, role: 'owner', since: now })
        .execute();
      return { result: venueView(venue, 'owner'), events: [] };
    });
    return result;
  });
