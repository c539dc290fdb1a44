import type { Deps } from '../deps.ts';
import { exportParties } from './export-parties.ts';
import { getReport } from './get-report.ts';
import { getVenueReport } from './get-venue-report.ts';

/** What a night was like. */
export const reportsRoutes = (deps: Deps) => [
  getReport(deps),
  getVenueReport(deps),
  exportParties(deps),
];
