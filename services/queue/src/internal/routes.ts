import type { Deps } from '../deps.ts';
import { checkApiKey } from './check-api-key.ts';
import { getLabels } from './get-labels.ts';
import { getLineChecksum } from './get-line-checksum.ts';
import { getLineEvents } from './get-line-events.ts';
import { getMembershipsOf } from './get-memberships-of.ts';
import { getModel } from './get-model.ts';
import { getPartySnapshot } from './get-party-snapshot.ts';
import { getPartySnapshots } from './get-party-snapshots.ts';
import { getRole } from './get-role.ts';
import { getSnapshot } from './get-snapshot.ts';
import { getVenueChanges } from './get-venue-changes.ts';
import { getVenueQueues } from './get-venue-queues.ts';
import { getVenueRole } from './get-venue-role.ts';
import { keepModel } from './keep-model.ts';

/** Routes for the position, user and broker services. */
export const internalRoutes = (deps: Deps) => [
  checkApiKey(deps),
  getMembershipsOf(deps),
  getSnapshot(deps),
  getPartySnapshot(deps),
  getPartySnapshots(deps),
  getLineChecksum(deps),
  getLabels(deps),
  getRole(deps),
  getLineEvents(deps),
  getVenueRole(deps),
  getVenueQueues(deps),
  getVenueChanges(deps),
  getModel(deps),
  keepModel(deps),
];
