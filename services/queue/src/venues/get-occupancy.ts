import { getOccupancy as contract } from '@queue-manager/contracts/occupancy';
import { route } from '@queue-manager/service-kit/route';
import { venueFor } from '../access/membership.ts';
import type { Deps } from '../deps.ts';
import { occupancyView } from '../line/occupancy.ts';

export const getOccupancy = ({ db }: Deps) =>
  route(contract, async ({ params, claims }) =>
    occupancyView(await venueFor(db, params.venueId, claims.sub, 'host')),
  );
