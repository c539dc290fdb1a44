import type { Deps } from '../deps.ts';
import { getBoardOfQueue } from './get-board.ts';
import { getNeighboursOfPlace } from './get-neighbours.ts';
import { getPlacesOfParties } from './get-places.ts';
import { getPositionOfTicket } from './get-position.ts';

export const readRoutes = (deps: Deps) => [
  getPositionOfTicket(deps),
  getBoardOfQueue(deps),
  getPlacesOfParties(deps),
  getNeighboursOfPlace(deps),
];
