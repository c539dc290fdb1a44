import { changeOccupancy as contract } from '@queue-manager/contracts/occupancy';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from './deps.ts';
import { once } from './idempotency.ts';
import { venueFor } from './membership.ts';
import { Occupancy } from './occupancy.ts';

export const changeOccupancy = (deps: Deps) =>
  route(contract, async ({ params, body, claims, idempotencyKey }) => {
    const { delta, override, reason } = body;
    const least = override ? 'manager' : 'host';
    const venue = await venueFor(deps.db, params.venueId, claims.sub, least);
    const request = {
      key: idempotencyKey,
      caller: claims.sub,
      operationId: contract.operationId,
      target: venue.id,
      body,
    };
    const { result } = await once(deps, request, async (trx) => {
      const occupancy = await Occupancy.lock(deps.clock, trx, venue.id);
      const actor = { kind: 'staff', userId: claims.sub } as const;
      await occupancy.change({ delta, actor, override, reason });
      return { result: occupancy.view(), events: [] };
    });
    return result;
  });
