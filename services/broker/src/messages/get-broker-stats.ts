import { getBrokerStats as contract } from '@queue-manager/contracts/broker';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';

export const getBrokerStats = ({ store, venues }: Pick<Deps, 'store' | 'venues'>) =>
  route(contract, async function getBrokerStats({ apiKey: { venueId } }) {
    return venues.run(venueId, () => store.stats(venueId));
  });
