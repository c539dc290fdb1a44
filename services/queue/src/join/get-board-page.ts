import { getBoardPage as contract } from '@queue-manager/contracts/guests';
import { route } from '@queue-manager/service-kit/route';
import { joinUrlOf } from '../access/guest-links.ts';
import { queueOfBoard } from '../access/membership.ts';
import { venueLook } from '../access/venue-look.ts';
import type { Deps } from '../deps.ts';

export const getBoardPage = (deps: Deps) =>
  route(contract, async ({ params }) => {
    const { queue, venue } = await queueOfBoard(deps.db, params.queueId);
    return {
      venueName: venue.name,
      joinUrl: queue.self_join === 1 ? joinUrlOf(deps, queue.join_code) : null,
      ...venueLook(venue),
    };
  });
