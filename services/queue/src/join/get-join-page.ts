import { getJoinPage as contract } from '@queue-manager/contracts/guests';
import { getPlaces } from '@queue-manager/contracts/internal';
import type { Estimate } from '@queue-manager/contracts/values';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import { route } from '@queue-manager/service-kit/route';
import { queueByJoinCode } from '../access/membership.ts';
import { venueLook } from '../access/venue-look.ts';
import type { Deps } from '../deps.ts';

export const getJoinPage = (deps: Deps) =>
  route(contract, async ({ params, query }) => {
    const { queue, venue } = await queueByJoinCode(deps.db, params.joinCode);
    const canJoin = queue.state === 'open' && query.size <= queue.max_party_size;
    const queueId = bytesToUuid(queue.id);
    return {
      queueId,
      venueName: venue.name,
      name: queue.name,
      text: queue.text,
      state: queue.state,
      full: queue.max_waiting !== null && queue.waiting >= queue.max_waiting,
      waiting: queue.waiting,
      // As on the board: there is none for a party that cannot join.
      estimate: canJoin ? await estimateIfJoined(deps, queueId, query.size) : null,
      maxPartySize: queue.max_party_size,
      selfJoin: queue.self_join === 1,
      retentionDays: venue.retention_days,
      ...venueLook(venue),
    };
  });

async function estimateIfJoined(
  deps: Deps,
  queueId: string,
  size: number,
): Promise<Estimate | null> {
  try {
    const answer = await deps.position.call(getPlaces, {
      params: { queueId },
      body: { partyIds: [], size },
      timeoutMs: 2_000,
    });
    return answer.estimateIfJoined;
  } catch (error) {
    deps.logger.warn({ err: error }, 'answering without an estimate');
    return null;
  }
}
