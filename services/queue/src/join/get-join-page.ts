import { getJoinPage as contract } from '@queue-manager/contracts/guests';
import { getPlaces } from '@queue-manager/contracts/internal';
import type { Estimate } from '@queue-manager/contracts/values';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import { route } from '@queue-manager/service-kit/route';
import { queueByJoinCode } from '../access/membership.ts';
import type { Deps } from '../deps.ts';

export const getJoinPage = (deps: Deps) =>
  route(contract, async ({ params }) => {
    const { queue, venue } = await queueByJoinCode(deps.db, params.joinCode);
    const queueId = bytesToUuid(queue.id);
    return {
      queueId,
      venueName: venue.name,
      name: queue.name,
      text: queue.text,
      state: queue.state,
      full: queue.max_waiting !== null && queue.waiting >= queue.max_waiting,
      waiting: queue.waiting,
      // As on the board: nobody can join a queue that is paused or closed.
      estimate: queue.state === 'open' ? await estimateIfJoined(deps, queueId) : null,
      maxPartySize: queue.max_party_size,
      selfJoin: queue.self_join === 1,
      locale: venue.locale,
    };
  });

async function estimateIfJoined(deps: Deps, queueId: string): Promise<Estimate | null> {
  try {
    const answer = await deps.position.call(getPlaces, {
      params: { queueId },
      body: { partyIds: [] },
      timeoutMs: 2_000,
    });
    return answer.estimateIfJoined;
  } catch (error) {
    deps.logger.warn({ err: error }, 'answering without an estimate');
    return null;
  }
}
