import type { Deps } from '../deps.ts';
import { changeOccupancy } from './change-occupancy.ts';
import { createVenue } from './create-venue.ts';
import { deleteVenue } from './delete-venue.ts';
import { getOccupancy } from './get-occupancy.ts';
import { getVenue } from './get-venue.ts';
import { listOccupancyChanges } from './list-occupancy-changes.ts';
import { listVenues } from './list-venues.ts';
import { updateVenue } from './update-venue.ts';

/** Venues and their occupancy. */
export const venuesRoutes = (deps: Deps) => [
  createVenue(deps),
  listVenues(deps),
  getVenue(deps),
  updateVenue(deps),
  deleteVenue(deps),
  getOccupancy(deps),
  changeOccupancy(deps),
  listOccupancyChanges(deps),
];
