import { changeOccupancy as contract } from '@queue-manager/contracts/occupancy';
import { route } from '@queue-manager/service-kit/route';
import { idempotent } from '../access/idempotent.ts';
import { venueFor } from '../access/membership.ts';
import { once } from '../db/idempotency.ts';
import type { Deps } from '../deps.ts';
import { Occupancy } from '../line/occupancy.ts';

export const changeOccupancy = (deps: Deps) =>
  route(contract, async function changeOccupancy(request) {
    const { params, body, claims } = request;
    const { delta, override, reason } = body;
    const least = override ? 'manager' : 'host';
    const venue = await venueFor(deps.db, params.venueId, claims.sub, least);
    const repeatable = idempotent(contract, request, venue.id);
    const { result, events } = await once(deps, repeatable, async (trx) => {
      const occupancy = await Occupancy.lock(deps.clock, trx, venue.id);
      const actor = { kind: 'staff', userId: claims.sub } as const;
      await occupancy.change({ delta, actor, override, reason });
      return { result: occupancy.view(), events: [await occupancy.changed(actor)] };
    });
    await deps.feed.committed(events);
    return result;
  });
