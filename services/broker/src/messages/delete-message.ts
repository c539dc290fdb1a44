import { deleteMessage as contract } from '@queue-manager/contracts/broker';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';

export const deleteMessage = ({ store, venues }: Pick<Deps, 'store' | 'venues'>) =>
  route(contract, async function deleteMessage({ apiKey: { venueId }, query }) {
    const held = { venueId, cid: String(query.cid), id: String(query.id) };
    return venues.run(venueId, () => store.delete(held));
  });
