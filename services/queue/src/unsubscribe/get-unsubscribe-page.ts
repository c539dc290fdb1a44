import { getUnsubscribePage as contract } from '@queue-manager/contracts/guests';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { loadUnsubscribe } from './load-unsubscribe.ts';
import { unsubscribePage } from './unsubscribe-page.ts';

/** Changes nothing: mail scanners follow every link. */
export const getUnsubscribePage = (deps: Deps) =>
  route(contract, async (request, reply) => {
    const { venueName } = await loadUnsubscribe(deps, request.params.token);
    return unsubscribePage(request, reply, 'ask', venueName);
  });
