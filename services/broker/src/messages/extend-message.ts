import { extendMessage as contract } from '@queue-manager/contracts/broker';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';

export const extendMessage = ({ store, venues }: Pick<Deps, 'store' | 'venues'>) =>
  route(contract, async function extendMessage({ apiKey: { venueId }, query }) {
    const { cid, id, visibility: visibilitySeconds } = query;
    const held = { venueId, cid: String(cid), id: String(id), visibilitySeconds };
    return venues.run(venueId, () => store.extend(held));
  });
